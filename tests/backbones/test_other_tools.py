"""Backbones under tools that go by the types of layers."""

import copy

import pytest
import torch
from torch import nn

from hybrid_backbones.backbones.families import families
from hybrid_backbones.zoo.archs import list_archs

FUSED = {'UniFormer', 'HRFormer', 'CvT', 'TransXNet', 'Conformer'}
# one of each kind of block in make test
QUICK = ('conformer_tiny_patch16', 'transxnet_t', 'cvt_13', 'uniformer_xxs', 'uniformer_small')
QUICK += ('hrformer_tiny',)
ARCHS = [(info.family, info.arch) for info in list_archs()]


def each():
    for family, arch in ARCHS:
        quick = f'{family.lower()}_{arch}' in QUICK
        marks = () if quick else (pytest.mark.extended, pytest.mark.slow)
        yield pytest.param(family, arch, marks=marks, id=f'{family}-{arch}')


@torch.no_grad()
def with_statistics(backbone):
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 1.5)
    return backbone.eval()


@pytest.mark.parametrize('family, arch', each())
def test_fuse_conv_bn(family, arch):
    """mmcv's, which puts a norm into the convolution registered before it."""
    fuse_conv_bn = pytest.importorskip('mmcv.cnn').fuse_conv_bn
    backbone = with_statistics(families()[family](arch))
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before, after = backbone(image), fuse_conv_bn(copy.deepcopy(backbone))(image)
    for one, other in zip(before, after):
        assert (one - other).norm() < 1e-4 * one.norm()
