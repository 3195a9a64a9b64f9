"""TransXNet's position encodings at sizes where they would not fit in memory."""

import math

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from hybrid_backbones import TransXNet
from hybrid_backbones.backbones import rel_pos_encoding
from tests.backbones.test_equivalent_paths import assert_levels
from tests.golden import goldens
from tests.published_runs import FAMILIES, QUICK, published

ONE_BLOCK = dict(
    depths=(1, 1, 1, 1),
    dims=(16, 32, 48, 64),
    heads=(1, 2, 3, 4),
    groups=(2, 2, 2, 2),
    mlp_ratios=(1, 1, 1, 1),
)


def build(**options):
    backbone = TransXNet(arch=ONE_BLOCK, **options)
    for stage in backbone.stages:
        nn.init.normal_(stage.rel_pos.table)
    return backbone


def results(backbone, images):
    """Levels, and the gradients of everything."""
    backbone.zero_grad()
    levels = backbone(images)
    sum((level * level.detach().cos()).sum() for level in levels).backward()
    return [*levels, *(parameter.grad for parameter in backbone.parameters())]


@pytest.fixture
def factored(monkeypatch):
    monkeypatch.setattr(rel_pos_encoding, 'LARGEST_BIAS', 0)


@pytest.mark.parametrize('with_cp', [False, True])
def test_the_same_numbers_and_gradients(monkeypatch, with_cp):
    backbone = build(norm_eval=True, with_cp=with_cp).double()
    images = torch.randn(2, 3, 100, 150, dtype=torch.float64)
    expected = results(backbone, images)
    monkeypatch.setattr(rel_pos_encoding, 'LARGEST_BIAS', 0)
    for ours, theirs in zip(results(backbone, images), expected):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    'golden', [run for run in goldens('transxnet') if run.tag in QUICK], ids=lambda run: run.tag
)
def test_published(factored, golden):
    family = FAMILIES['transxnet']
    with torch.no_grad():
        assert_levels(family, golden, published(family, golden)(golden.image()))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast(factored, dtype):
    backbone = build().eval()
    images = torch.randn(1, 3, 96, 160)
    try:
        with torch.autocast('cpu', dtype):
            pass
    except RuntimeError:
        pytest.skip('autocast of torch 2.1 knows bfloat16 alone on a CPU')
    with torch.no_grad():
        expected = backbone(images)
        with torch.autocast('cpu', dtype):
            levels = backbone(images)
    for level, exact in zip(levels, expected):
        assert (level - exact).abs().max() < 0.1 * exact.std()


class Largest(TorchDispatchMode):
    """The most numbers that any operator returned in one tensor."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        shapes = [leaf.shape for leaf in tree_flatten(out)[0] if isinstance(leaf, torch.Tensor)]
        self.numbers = max([self.numbers, *map(math.prod, shapes)])
        return out


def test_nothing_of_queries_times_keys_in_large_images():
    """The first stage of an image of 1600x1600 would add 400 million numbers to its scores."""
    backbone = build(out_indices=(0,)).eval()
    with torch.no_grad(), Largest() as largest:
        backbone(torch.randn(1, 3, 1600, 1600))
    assert largest.numbers <= 64 * 400**2  # queries: 8 channels, 49 of the encoding, 7 of padding
