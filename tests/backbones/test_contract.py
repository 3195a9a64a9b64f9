"""The contract, for every family."""

import math

import pytest
import torch

from hybrid_backbones import backbones
from tests.contract import Contract


class TestTransXNet(Contract):
    family = 'TransXNet'
    options = dict(arch='t')


class TestUniFormer(Contract):
    family = 'UniFormer'
    options = dict(arch='small', stage3_attention='hybrid', window_size=5)


class TestUniFormerConvStem(Contract):
    family = 'UniFormer'
    options = dict(arch='small_plus', stage3_attention='window', window_size=5)


class TestConformer(Contract):
    family = 'Conformer'
    options = dict(arch='tiny_patch16')


class TestConformerPatch32(Contract):
    family = 'Conformer'
    options = dict(arch=dict(patch=32, channel_ratio=1, embed_dim=64))


class TestCvT(Contract):
    family = 'CvT'
    options = dict(arch='13')


class TestHRFormer(Contract):
    family = 'HRFormer'
    options = dict(arch='tiny')

    def first_blocks(self, backbone):
        first, *rest = backbone.stages
        return [first.blocks[:1], *([b[0] for b in s.blocks[0].branches] for s in rest)]


class TestUniFormerLight(Contract):
    family = 'UniFormer'
    options = dict(arch='xxs')


# The other archs; those that differ from one of these in head_dim alone are left out.
LARGER = {
    'Conformer': ('small_patch16', 'small_patch32', 'base_patch16'),
    'CvT': ('21', 'w24'),
    'HRFormer': ('small', 'base'),
    'TransXNet': ('s', 'b'),
    'UniFormer': ('small_tl', 'base', 'base_ls', 'large_ls_tl', 'xs'),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    'family, arch', [(family, arch) for family, archs in LARGER.items() for arch in archs]
)
def test_larger_archs(family, arch):
    """Sizes and gradients; the rest of the contract is of the code, the same for every width.

    Numbers are the goldens' to hold.
    """
    backbone = getattr(backbones, family)(arch)
    levels = backbone(torch.randn(2, 3, 65, 97))
    sizes = [(math.ceil(65 / stride), math.ceil(97 / stride)) for stride in backbone.out_strides]
    assert [tuple(level.shape[2:]) for level in levels] == sizes
    assert [level.shape[1] for level in levels] == list(backbone.out_channels)
    sum(level.square().mean() for level in levels).backward()
    assert all(p.grad.isfinite().all() for p in backbone.parameters())
