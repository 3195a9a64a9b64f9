"""Whole segmentors and top-down pose estimators, written and read again."""

import json

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hybrid_backbones.deploy.exporting.dynamic_shapes import for_any_size
from hybrid_backbones.deploy.exporting.export import export
from hybrid_backbones.deploy.exporting.families import VARIANTS
from hybrid_backbones.deploy.exporting.formats import EXTRA, run_onnx
from hybrid_backbones.deploy.exporting.heads import register_segmentation_heads
from hybrid_backbones.deploy.exporting.trace import trace
from hybrid_backbones.deploy.exporting.verify import SIZES, compare, draw_constants
from hybrid_backbones.deploy.exporting.whole import whole_model
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.models import load_model
from tests.configs.common import build_model, load

for package in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(package)

SEGMENTATION = 'semanticfpn_uniformer_xxs_80k_ade20k'
POSE = 'topdown_hrformer_t_210e_coco_256x192'
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def little(name, **backbone):
    """A segmentor with a backbone of four blocks; all its other parts are the config's."""
    pytest.importorskip('mmseg')
    cfg = load(name)
    dims = (16, 32, 48, 64)
    arch = dict(depths=(1, 1, 1, 1), dims=dims, head_dim=16)
    cfg.model.backbone = dict(type='hybrid_backbones.UniFormer', arch=arch)
    (cfg.model.get('neck') or cfg.model.decode_head).in_channels = list(dims)
    for head in filter(None, [cfg.model.get('auxiliary_head')]):
        head.in_channels = dims[head.in_index]
    model = draw_constants(build_model(cfg))
    model.eval()
    return model, cfg


@pytest.mark.parametrize('size', [1, 3, (2, 5)])
@pytest.mark.parametrize('sides', [(7, 9), (32, 2)])
def test_pooling(size, sides):
    x = torch.randn(2, 4, *sides)
    pool = for_any_size(nn.Sequential(nn.AdaptiveAvgPool2d(size)))
    assert type(pool[0]) is not nn.AdaptiveAvgPool2d
    torch.testing.assert_close(pool(x), F.adaptive_avg_pool2d(x, size))


def test_pooling_to_the_size_that_is_there():
    pool = for_any_size(nn.Sequential(nn.AdaptiveAvgPool2d((3, None))))
    x = torch.randn(2, 4, 6, 9)
    torch.testing.assert_close(pool(x), F.adaptive_avg_pool2d(x, (3, None)))


@pytest.mark.parametrize(
    'options', [dict(scale_factor=2), dict(scale_factor=1.5), dict(size=(9, 4))]
)
def test_upsampling(options):
    utils = pytest.importorskip('mmseg.models.utils')
    register_segmentation_heads()
    x = torch.randn(1, 2, 5, 7)
    upsample = utils.Upsample(mode='bilinear', align_corners=False, **options)
    other = for_any_size(nn.Sequential(upsample))
    assert type(other[0]) is VARIANTS[utils.Upsample]
    assert torch.equal(other(x), upsample(x))


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [SEGMENTATION, pytest.param('upernet_uniformer_s_160k_ade20k', marks=pytest.mark.extended)],
)
def test_segmentors_of_any_size(name, tmp_path):
    """What ONNX Runtime computes is what the model predicts for an image, at odd sizes too."""
    import onnx

    model, cfg = little(name)
    whole = whole_model(model, cfg, name, 3)
    assert whole.size is None
    path = tmp_path / 'a.onnx'
    done = export(whole.network, str(path), size=whole.size, labels=whole.labels)
    assert [d.shape[2:] for d in done.differences] == [(h, w) for _, h, w in SIZES]
    assert all(d.relative < 1e-4 for d in done.differences)
    images = torch.randn(2, 3, 71, 90)
    with torch.no_grad():
        expected = model.encode_decode(images, [dict(img_shape=(71, 90))] * 2)
    (logits,) = run_onnx(path)(images)
    assert tuple(logits.shape) == (2, 150, 71, 90)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4 * expected.std().item())
    written = onnx.load(path)
    assert [output.name for output in written.graph.output] == ['logits']
    told = {each.key: each.value for each in written.metadata_props}
    assert json.loads(told['mean']) == MEAN and json.loads(told['std']) == STD
    assert json.loads(told['bgr_to_rgb']) is True
    assert told['input_size'] == 'any' and told['config'] == name
    assert told['task'] == 'segmentation'
    assert json.loads(told['test_cfg']) == dict(mode='whole')


@pytest.mark.slow
@pytest.mark.extended
def test_pose(command, tmp_path):
    """By the command: heatmaps at the size that keypoints are encoded for, as the head does."""
    pytest.importorskip('mmpose')
    result = command('export', POSE, '--whole', '--format', 'torch', '--out', 'a.pt2')
    assert result.status == 0, result.err
    assert 'any batch, 256x192' in result.out
    extra = {EXTRA: ''}
    program = torch.export.load(tmp_path / 'a.pt2', extra_files=extra).module()
    told = json.loads(extra[EXTRA])
    assert told['outputs'] == ['heatmaps'] and told['task'] == 'topdown_pose'
    assert json.loads(told['input_size']) == [256, 192]
    assert json.loads(told['codec'])['heatmap_size'] == [48, 64]
    model = draw_constants(load_model(POSE).model)
    images = torch.randn(3, 3, 256, 192)
    with torch.no_grad():
        (heatmaps,) = program(images)
        expected = model(images, None, mode='tensor')
    assert tuple(heatmaps.shape) == (3, 17, 64, 48)
    torch.testing.assert_close(heatmaps, expected, rtol=1e-4, atol=1e-5)


def test_fixed_size():
    """One graph for a size, of the folded model."""
    from hybrid_backbones.deploy import fold_model

    model, cfg = little(SEGMENTATION)
    whole = whole_model(fold_model(model), cfg, SEGMENTATION, 3, (64, 96))
    assert whole.size == (64, 96)
    assert json.loads(whole.labels.metadata['input_size']) == [64, 96]
    program = trace(whole.network, whole.size).module()
    (difference,) = compare(program, whole.network, [(1, 64, 96)])
    assert difference.relative < 1e-4


def test_heads_without_heatmaps():
    pytest.importorskip('mmpose')
    model, cfg = little(SEGMENTATION)
    cfg.default_scope = 'mmpose'
    with pytest.raises(ConfigError, match='x is a EncoderDecoder with a NoneType: of MMPose, top-'):
        whole_model(model, cfg, 'x', 3)


@pytest.mark.parametrize(
    'arguments, parts',
    [
        (['retinanet_transxnet_t_1x'], ['is a detector', 'MMDeploy', 'without --whole']),
        (['classifier_uniformer_s_300e_imagenet'], ['is a classifier', 'without it']),
        (['cvt_13'], ['--whole takes a config', 'cvt_13']),
        ([SEGMENTATION, '--size', '31x64'], ['--size must be 32 to 8192', '31x64']),
        ([SEGMENTATION, '--weights', 'gone.pth'], ['no checkpoint file gone.pth']),
        ([SEGMENTATION, '--options', 'no_such=1'], ['no_such']),
    ],
)
def test_refusals(command, tmp_path, arguments, parts):
    for library in ('mmdet', 'mmseg', 'mmpretrain'):
        pytest.importorskip(library)
    line = command('export', *arguments, '--whole').refusal
    for part in parts:
        assert part in line
    assert not list(tmp_path.iterdir())
