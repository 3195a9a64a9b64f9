"""Folded and exported, by the family's own rules and the shared ones."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hybrid_backbones import create_backbone, export, fold
from hybrid_backbones.deploy.exporting.formats import FORMATS
from hybrid_backbones.deploy.exporting.trace import EXAMPLE
from hybrid_backbones.layers import DropPath, LayerScale, ResidualDWConv
from tests.deploy.randomise import furthest, randomise
from tests.versions import from_torch

pytestmark = pytest.mark.usefixtures('tiny_hybrid')


def build(**options):
    return randomise(create_backbone('tinyhybrid_nano', **options)).eval()


def test_folded_it_computes_the_same():
    backbone, image = build(drop_path_rate=0.1), torch.randn(2, 3, 75, 101)
    with torch.inference_mode():
        assert furthest(fold(backbone)(image), backbone(image)) < 3e-5
        backbone = backbone.double()
        assert furthest(fold(backbone)(image.double()), backbone(image.double())) < 1e-11


def test_norms_are_gone():
    backbone = build()
    gone = (_BatchNorm, DropPath, LayerScale, ResidualDWConv)
    assert any(isinstance(module, _BatchNorm) for module in backbone.modules())
    folded = fold(backbone)
    assert not [name for name, module in folded.named_modules() if isinstance(module, gone)]
    layer_norms = [
        sum(isinstance(m, nn.LayerNorm) for m in b.modules()) for b in (backbone, folded)
    ]
    assert layer_norms == [10, 10]  # their statistics are each image's own


@from_torch('2.9', 'cannot export for any size')
@pytest.mark.parametrize('kind', ['torch', 'onnx'])
def test_exported_for_any_size(tmp_path, kind):
    """Export reads the file again and compares, at sizes and batches that were not recorded."""
    for package in ('onnx', 'onnxscript', 'onnxruntime') if kind == 'onnx' else ():
        pytest.importorskip(package)
    backbone = build()
    if kind == 'onnx':
        backbone = fold(backbone)
    done = export(backbone, str(tmp_path / f'tiny{FORMATS[kind].suffix}'), format=kind)
    assert all(difference.relative < 1e-4 for difference in done.differences)
    assert len({difference.shape for difference in done.differences}) == 3
    assert EXAMPLE not in [difference.shape[2:] for difference in done.differences]
