"""Grad-CAM of Conformer's branches, against gradients taken by hand."""

import pytest
import torch
from torch import nn

from hybrid_backbones import Conformer
from hybrid_backbones.analysis.interpret.cam_targets import (
    Detections,
    Keypoints,
    Segments,
)
from hybrid_backbones.analysis.interpret.families.conformer import PublishedLogit
from hybrid_backbones.analysis.interpret.grad_cam import branch_cam
from hybrid_backbones.errors import ConfigError
from tests.analysis.small import SMALL
from tests.golden import goldens, published_state


@pytest.fixture
def backbone():
    return SMALL['conformer']().eval()


@pytest.mark.parametrize('block', ['stages.0.blocks.2', 'stages.2.blocks.0', 'stages.3.blocks.0'])
def test_against_autograd(backbone, block):
    image = torch.randn(1, 3, 80, 112)

    def target(image):
        return backbone(image)[-1][0, 3].mean()

    found = branch_cam(backbone, image, target, block)
    kept = []

    def keep(module, args, output):
        for part in output:
            part.retain_grad()
        kept.extend(output)

    backbone.get_submodule(block).register_forward_hook(keep)
    value = target(image.requires_grad_())
    value.backward()
    x, tokens = kept
    assert found.value == pytest.approx(value.item())
    cam = sum(x.grad[0, c].mean() * x[0, c] for c in range(x.shape[1])).clamp(min=0)
    height, width = found.cnn.shape
    assert (height, width) == (-(-80 // found.cnn_stride), -(-112 // found.cnn_stride))
    torch.testing.assert_close(found.cnn, cam[:height, :width], rtol=1e-4, atol=1e-9)
    patches, gradients = tokens[0, 1:], tokens.grad[0, 1:]
    cam = (patches * gradients.mean(0)).sum(1).clamp(min=0)
    torch.testing.assert_close(found.transformer.flatten(), cam, rtol=1e-4, atol=1e-9)
    assert found.transformer.shape == (5, 7)
    assert not found.cnn.requires_grad


def test_padding_is_cut_and_weights_may_be_frozen(backbone):
    backbone = Conformer(backbone.arch, frozen_stages=4).eval()
    found = branch_cam(backbone, torch.randn(1, 3, 100, 150), block='stages.1.blocks.0')
    assert found.cnn.shape == (13, 19) and found.transformer.shape == (7, 10)
    assert found.cnn.max() > 0


def test_a_branch_without_part_in_the_target(backbone):
    """Level 0 has been made when stage 3 begins."""
    found = branch_cam(
        backbone,
        torch.randn(1, 3, 64, 64),
        lambda image: backbone(image)[0].square().sum(),
        'stages.2.blocks.0',
    )
    assert found.cnn.max() == 0 and found.transformer.max() == 0


def test_refusals(backbone):
    image = torch.randn(1, 3, 64, 64)
    with pytest.raises(ConfigError, match=r'no coupling block .* there is stages\.0\.blocks\.0,'):
        branch_cam(backbone, image, block='stages.9')
    with pytest.raises(ConfigError, match='this is a CvT'):
        branch_cam(SMALL['cvt']().eval(), image)


@pytest.mark.parametrize('prefixes', [('', ''), ('backbone.', 'head.')])
def test_logit_of_the_published_classifiers(tmp_path, prefixes):
    """The sum of both logits, as recorded from the authors' code."""
    golden = next(g for g in goldens('conformer', 'cls') if 'tiny' in g.variant)
    mine, head = prefixes
    state = {
        (head if '_cls_head' in key else mine) + key: value
        for key, value in published_state(golden.variant).items()
    }
    torch.save(state, tmp_path / 'weights.pth')
    cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'))
    backbone = Conformer('tiny_patch16', init_cfg=cfg).eval()
    backbone.init_weights()
    arrays = golden.arrays
    both = [
        dict(zip(arrays[f'logits_{n}/positions'], arrays[f'logits_{n}/values']))
        for n in ('conv', 'trans')
    ]
    label = int(next(iter(both[0].keys() & both[1].keys())))
    target = PublishedLogit(backbone, cfg['checkpoint'], label)
    with torch.no_grad():
        value = target(golden.image()[:1]).item()
    expected = sum(values[label] for values in both)
    assert value == pytest.approx(expected, rel=1e-3, abs=1e-3)
    with pytest.raises(ConfigError, match='from 0 to 999, got 1000'):
        PublishedLogit(backbone, cfg['checkpoint'], 1000)(golden.image()[:1])


def test_files_without_a_classifier(tmp_path, backbone):
    torch.save({'backbone.weight': torch.zeros(1)}, tmp_path / 'weights.pth')
    with pytest.raises(ConfigError, match='has no classifier: it is of no family'):
        PublishedLogit(backbone, str(tmp_path / 'weights.pth'), 3)
    with pytest.raises(ConfigError, match='`weights` that hold a classifier'):
        PublishedLogit(backbone, None, 3)


def test_score_of_a_segmentor():
    """The class that most positions have, and its logits there."""
    logits = torch.tensor([[[1.0, 5.0, 2.0]], [[4.0, 0.0, 6.0]], [[0.0, 0.0, 9.0]]])
    logits[2, 0, 2] = 0
    model = lambda image, mode: logits[None] + image.sum() * 0  # noqa: E731
    target = Segments(model)
    assert target(torch.zeros(1)).item() == 10 and target.label == 1
    assert Segments(model, 2)(torch.zeros(1)).item() == 0  # nowhere predicted: all of them
    with pytest.raises(ConfigError, match='from 0 to 2'):
        Segments(model, 3)(torch.zeros(1))


def test_score_of_a_detector_with_anchors():
    """Two anchors of three classes at each position: channels are anchors by classes."""
    model = nn.Module()
    model.bbox_head = nn.Module()
    model.bbox_head.cls_out_channels = 3
    fine, coarse = torch.zeros(1, 6, 2, 2), torch.zeros(1, 6, 1, 1)
    fine[0, 4, 1, 0] = 7.0  # second anchor, class 1
    coarse[0, 2] = 5.0  # first anchor, class 2
    model.forward = lambda image, mode: ([fine, coarse], None)
    target = Detections(model)
    assert target(torch.zeros(1)).item() == 7 and target.label == 1
    assert Detections(model, 2)(torch.zeros(1)).item() == 5


@pytest.mark.parametrize('cascade', [False, True])
def test_score_of_a_detector_with_proposals(cascade):
    """The background, last, is no class; a cascade gives a list of images."""
    pytest.importorskip('mmdet')
    scores = torch.tensor([[1.0, 4.0, 9.0], [3.0, 2.0, 9.0]])
    model = nn.Module()
    model.with_roi_head = True
    model.rpn_head, model.roi_head = nn.Module(), nn.Module()
    model.extract_feat = lambda image: [image]
    model.rpn_head.predict = lambda features, samples, rescale: 'proposals'
    model.roi_head.forward = lambda *args: ([scores] if cascade else scores, None)
    target = Detections(model)
    assert target(torch.zeros(1, 3, 32, 32)).item() == 4 and target.label == 1
    assert Detections(model, 0)(torch.zeros(1, 3, 32, 32)).item() == 3


def test_score_of_a_pose_estimator():
    heatmaps = torch.zeros(1, 4, 5, 5)
    heatmaps[0, 2, 3, 3] = 2.0
    target = Keypoints(lambda image, samples, mode: heatmaps)
    assert target(torch.zeros(1)).item() == 2 and target.label == 2
