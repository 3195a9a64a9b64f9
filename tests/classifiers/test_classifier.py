"""What all classifiers promise."""

import pytest
import torch

from hybrid_backbones import create_backbone, create_classifier
from hybrid_backbones.classifiers import families_with_head
from hybrid_backbones.errors import ConfigError
from tests.classifiers.small import ARCHS, small

PAIRS = ('conformer_tiny_patch16', 'uniformer_xxs')  # in training


def all_of(logits):
    return logits if isinstance(logits, tuple) else (logits,)


@pytest.mark.parametrize('name', ARCHS)
def test_any_size_and_channels(name):
    classifier = small(name, in_channels=4).eval()
    for shape in ((2, 4, 64, 64), (1, 4, 100, 151)):
        with torch.inference_mode():
            logits = classifier(torch.randn(shape))
        assert logits.shape == (shape[0], 5) and logits.isfinite().all()
    with pytest.raises(ValueError, match=r'takes images \(N, 4, H, W\)'):
        classifier(torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize('name', [*ARCHS, 'uniformer_small_tl'])
def test_every_parameter_has_a_gradient(name):
    classifier = small(name) if name in ARCHS else create_classifier(name, num_classes=5)
    assert classifier.training
    logits = all_of(classifier(torch.randn(2, 3, 64, 96)))
    assert len(logits) == 1 + (name not in ARCHS or name in PAIRS)
    assert all(each.shape[0] == 2 and each.shape[-1] == 5 for each in logits)
    sum(each.square().mean() for each in logits).backward()
    assert [n for n, p in classifier.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('name', ARCHS)
def test_an_image_alone_and_in_a_batch(name):
    classifier = small(name).eval()
    images = torch.randn(3, 3, 64, 96)
    with torch.inference_mode():
        together = classifier(images)
        alone = torch.cat([classifier(images[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(alone, together, rtol=1e-3, atol=1e-4)


def test_token_labelling_adds_the_best_position():
    classifier = create_classifier('uniformer_small_tl', num_classes=5).eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        logits = classifier(image)
        norm = classifier.head.norm
        classifier.head.train()
        norm.eval()
        pooled, positions = classifier(image)
    assert positions.shape == (1, 2 * 3, 5)
    torch.testing.assert_close(logits, pooled + positions.amax(1) / 2)


def test_options():
    classifier = create_classifier('cvt_13', num_classes=7, drop_path_rate=0.2, frozen_stages=1)
    assert classifier.num_classes == 7 and not classifier.backbone.stem.proj.weight.requires_grad
    assert create_classifier('uniformer_s').backbone.arch == create_backbone('uniformer_s').arch


@pytest.mark.parametrize(
    'name, options, message',
    [
        ('resnet_50', {}, "no backbone 'resnet_50'"),
        ('cvt_13', dict(out_indices=(0,)), "a classifier has no option 'out_indices'"),
        ('cvt_13', dict(out_norm=True), "a classifier has no option 'out_norm'"),
        ('cvt_13', dict(depth=3), "CvT has no option 'depth'"),
        ('cvt_13', dict(num_classes=0), 'num_classes must be a positive int, got 0'),
        ('cvt_13', dict(pretrained=3), 'pretrained must be True, False, or the path'),
        ('maskrcnn_cvt_13_1x', {}, 'is a config; create_classifier takes the name of a backbone'),
    ],
)
def test_refusals(name, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        create_classifier(name, **options)
    assert '\n' not in str(caught.value)


def test_families():
    families = families_with_head()
    assert families == ['Conformer', 'CvT', 'HRFormer', 'TransXNet', 'UniFormer']
