"""Costs against published ones, and the README's table against the built models."""

from pathlib import Path

import pytest
import torch
from torch import nn

from hybrid_backbones import backbones, list_archs
from hybrid_backbones.complexity import count_flops, count_parameters
from hybrid_backbones.complexity.activations import count_activations
from hybrid_backbones.complexity.model import model_cost, paper_size
from hybrid_backbones.complexity.parts import describe_parts
from hybrid_backbones.zoo.configs import read_config
from tests.golden import variants
from tests.parity import count_as_published

PROJECT = Path(__file__).parents[2]

# GFLOPs of the classification networks at 224x224, as the authors' READMEs and papers give them;
# the classifier itself is next to nothing
PRETRAINED = {
    ('Conformer', 'tiny_patch16'): 5.2,
    ('Conformer', 'small_patch16'): 10.6,
    ('Conformer', 'base_patch16'): 23.3,
    ('CvT', '13'): 4.5,
    ('CvT', '21'): 7.1,
    ('TransXNet', 't'): 1.8,
    ('TransXNet', 's'): 4.5,
    ('TransXNet', 'b'): 8.3,
    ('UniFormer', 'small'): 3.6,
    ('UniFormer', 'base'): 8.3,
}


def test_counting():
    layer = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    assert count_flops(layer, 10, 20) == 10 * 20 * 8 * 3 * 9
    assert count_parameters(layer) == 8 * 3 * 9
    assert layer.weight.device.type == 'cpu', 'the backbone itself is left where it is'


def test_parts_add_up():
    with torch.device('meta'):
        backbone = backbones.CvT('13').eval()
    parts = describe_parts(backbone, 64, 96)
    assert sum(part.flops for part in parts) == count_flops(backbone, 64, 96)
    assert sum(part.params for part in parts) == count_parameters(backbone)


@pytest.mark.parametrize('family, arch', PRETRAINED, ids=str)
def test_published_flops(family, arch, monkeypatch):
    count_as_published(monkeypatch)
    options = dict(out_indices=(0, 1, 2)) if family == 'CvT' else {}
    with torch.device('meta'):
        backbone = getattr(backbones, family)(arch, **options)
    flops = count_flops(backbone, 224, 224) / 1e9
    assert flops == pytest.approx(PRETRAINED[family, arch], rel=0.03)


def test_list_archs():
    found = {f'{info.family.lower()}_{info.arch}' for info in list_archs()}
    assert found == {v for family in backbones.__all__ for v in variants(family.lower())}
    (tiny,) = [info for info in list_archs('HRFormer') if info.arch == 'tiny']
    assert (tiny.channels, tiny.strides) == ((18, 36, 72, 144), (4, 8, 16, 32))
    assert tiny.weights[0].file == 'hrt_tiny.pth'
    with pytest.raises(ValueError, match='family must be one of Conformer, CvT'):
        list_archs('ResNet')


def test_activations():
    """What the layers write, counted by hand: a convolution, a linear layer, a matrix product."""

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 5)

        def forward(self, x):
            tokens = self.linear(self.conv(x).relu().flatten(2).transpose(1, 2))
            return tokens @ tokens.transpose(1, 2)

    image = torch.empty(2, 3, 4, 6, device='meta')
    with torch.device('meta'):
        found = count_activations(Small(), image)
    assert found == 2 * (8 * 24 + 24 * 5 + 24 * 24)


# GFLOPs at 512x2048, as the README of UniFormer's segmentation prints them
SEGMENTATION = dict(
    upernet_uniformer_s_160k_ade20k=1004,
    upernet_uniformer_s_h32_160k_ade20k=955,
    upernet_uniformer_b_160k_ade20k=1227,
    upernet_uniformer_b_h32_160k_ade20k=1106,
    semanticfpn_uniformer_s_80k_ade20k=247,
    semanticfpn_uniformer_s_h32_80k_ade20k=199,
    semanticfpn_uniformer_b_80k_ade20k=471,
    semanticfpn_uniformer_b_h32_80k_ade20k=350,
)


@pytest.mark.parametrize('name', SEGMENTATION)
def test_published_flops_of_segmentation(name):
    pytest.importorskip('mmseg')
    cfg = read_config(name)
    size = paper_size(cfg)
    assert size == (512, 2048)
    assert model_cost(cfg, size).flops / 1e9 == pytest.approx(SEGMENTATION[name], rel=0.005)
