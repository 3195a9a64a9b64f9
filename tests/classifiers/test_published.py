"""Logits and sizes of the networks that the authors trained, recorded from their code."""

import pytest
import torch
from torch import nn

from hybrid_backbones import create_classifier, list_backbones
from tests.golden import assert_close, goldens, manifest, published_state
from tests.parity import slow_if

TOLERANCES = dict(conformer=3e-5, cvt=3e-5, hrformer=3e-5, transxnet=1e-4, uniformer=1e-4)
LARGE = ('base', 'large', 'plus', 'dim64', '_tl', 'w24', 'transxnet_s', 'transxnet_b')
GOLDENS = [golden for family in TOLERANCES for golden in goldens(family, 'cls')]


@pytest.mark.parametrize(
    'golden', slow_if(lambda name: any(word in name for word in LARGE), GOLDENS)
)
def test_logits(golden, tmp_path):
    """The file as the authors publish it: every weight of it is used, and none is missing."""
    state = published_state(golden.variant)
    torch.save({'model': state}, tmp_path / 'weights.pth')
    classifier = create_classifier(golden.variant, tmp_path / 'weights.pth').eval()
    tolerance = TOLERANCES[golden.variant.split('_')[0]]
    with torch.inference_mode():
        logits = classifier(golden.image())
        if not golden.variant.startswith('conformer'):
            shape = tuple(golden.arrays['logits/shape'])  # the authors' CvT squeezes one image
            assert logits.shape == (1, 1000)
            assert_close(logits.view(shape), golden, 'logits', tolerance)
            return
        classifier.head.train()  # which has no statistics; each classifier by itself
        conv, trans = classifier(golden.image())
    assert_close(conv, golden, 'logits_conv', tolerance)
    assert_close(trans, golden, 'logits_trans', tolerance)
    torch.testing.assert_close(logits, conv + trans)


@pytest.mark.parametrize('name', list_backbones())
def test_parameters(name):
    """As many as the authors' networks have, and every name of the head is theirs."""
    with torch.device('meta'):
        classifier = create_classifier(name)
    entries = manifest(name)['cls_state']
    found = sum(p.numel() for p in classifier.parameters())
    assert found == sum(torch.Size(shape).numel() for _, shape, _, buffer in entries if not buffer)
    theirs = {key: tuple(shape) for key, shape, *_ in entries}
    ours = {key: tuple(value.shape) for key, value in classifier.head.state_dict().items()}
    assert ours.items() <= theirs.items()


def test_eps():
    """What no number can see."""
    for name in (
        'conformer_tiny_patch16',
        'cvt_13',
        'hrformer_tiny',
        'transxnet_t',
        'uniformer_xs',
    ):
        with torch.device('meta'):
            head = create_classifier(name).head
        norms = [m for m in head.modules() if hasattr(m, 'eps')]
        assert norms and all(norm.eps == 1e-5 for norm in norms), name


def test_published_initialisation():
    for name in ('conformer_tiny_patch16', 'cvt_13', 'transxnet_t', 'uniformer_xs'):
        head = create_classifier(name).head
        layers = [m for m in head.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        for layer in layers:
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05), name
            assert not layer.bias.any(), name
