"""Conformer against the numbers of the authors' code."""

import pytest
import torch
from torch import nn

from hybrid_backbones import Conformer
from hybrid_backbones.weights.families.conformer import AUTHORS
from tests.golden import assert_close, goldens, manifest, published_state, variants
from tests.parity import assert_gradients, load_published, slow_if

TOLERANCE = 3e-5


def arch_of(variant):
    return variant[len('conformer_') :]


def published(golden):
    backbone = Conformer(arch_of(golden.variant)).eval()
    load_published(backbone, AUTHORS, published_state(golden.variant))
    return backbone


def slow_if_large(items):
    return slow_if(lambda name: 'base' in name, items)


@pytest.mark.parametrize('golden', slow_if_large(goldens('conformer')))
def test_levels(golden):
    with torch.inference_mode():
        levels = published(golden)(golden.image())
    for name, level in zip(('c2', 'c3', 'c4', 'c5'), levels):
        assert_close(level, golden, name, TOLERANCE)


@pytest.mark.parametrize('golden', goldens('conformer', 'grad'), ids=lambda g: g.tag)
def test_gradients(golden):
    assert_gradients(published(golden), AUTHORS, golden)


@pytest.mark.parametrize('variant', variants('conformer'))
def test_parameter_count(variant):
    with torch.device('meta'):
        backbone = Conformer(arch_of(variant))
    (info,) = manifest(variant)['dense'].values()
    assert sum(p.numel() for p in backbone.parameters()) == info['dense_params']


def test_eps_and_activation():
    """What no golden number can see."""
    with torch.device('meta'):
        backbone = Conformer('base_patch16')
    for name, module in backbone.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.eps == (1e-5 if name.startswith('stem.') else 1e-6), name
        elif isinstance(module, nn.LayerNorm):
            assert module.eps == 1e-6, name
        elif isinstance(module, nn.GELU):
            assert module.approximate == 'none', name


def test_published_initialisation():
    backbone = Conformer('tiny_patch16', out_indices=(1,))
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Linear):
            assert module.bias.abs().max() == 0, name
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1), name
        elif isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            expected = (2 / fan_out) ** 0.5
            assert module.weight.std().item() == pytest.approx(expected, rel=0.15), name
    assert backbone.stages[0].cls_token.std().item() == pytest.approx(0.02, rel=0.3)


def test_drop_path_is_linear_over_twelve_blocks():
    backbone = Conformer('tiny_patch16', drop_path_rate=0.11)
    blocks = [b for stage in backbone.stages for b in stage.blocks]
    rates = [
        backbone.stages[0].trans.drop_path.drop_prob,
        *(b.trans.drop_path.drop_prob for b in blocks),
    ]
    assert rates == pytest.approx([i / 100 for i in range(12)])


@pytest.mark.parametrize('arch', ['tiny_patch16', dict(patch=32, channel_ratio=1)])
def test_padding_changes_nothing_where_none_is_due(arch):
    """A larger image's corner: what lies outside of it must not be what padding puts there."""
    backbone = Conformer(arch).eval()
    image = torch.randn(1, 3, 64, 96)
    levels = backbone(image)
    cropped = backbone(image[:, :, :61, :93])  # the stem's map is as large, nothing is padded
    for level, other in zip(levels, cropped):
        assert level.shape == other.shape
    tokens = []
    backbone.stages[0].trans.register_forward_hook(lambda m, args, out: tokens.append(out.shape[1]))
    backbone(image[:, :, :57, :96])
    patch = 16 if arch == 'tiny_patch16' else 32
    assert tokens == [1 + -(-57 // patch) * (96 // patch)], 'the last patch is padded, not lost'


@pytest.mark.parametrize(
    'option, message',
    [
        (dict(arch='small'), "Conformer has no arch 'small'; it has tiny_patch16, small_patch16"),
        (
            dict(arch=dict(patch=24, channel_ratio=1)),
            'patch must be a multiple of 16 pixels, got 24',
        ),
        (
            dict(arch=dict(patch=16, channel_ratio=1, embed_dim=100)),
            'head_dim must divide the width',
        ),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=message):
        Conformer(**option)
