"""Heads that folding pads for a GPU: the same numbers, and nothing left to pad at a call."""

import pytest
import torch

from hybrid_backbones import create_backbone, list_backbones
from hybrid_backbones.backbones import rel_pos_encoding
from hybrid_backbones.deploy import fold
from hybrid_backbones.deploy.folding import heads
from hybrid_backbones.layers import attention
from hybrid_backbones.layers.gpu import meta_as_gpu
from tests.deploy.randomise import furthest, randomise

ODD = ('hrformer_tiny', 'transxnet_t')  # heads of 18, of 24 and 28 channels


@pytest.fixture
def as_on_gpu(monkeypatch):
    monkeypatch.setattr(heads, 'runs_on_gpu', lambda _: True)


def build(name, **options):
    return randomise(create_backbone(name, **options)).eval().double()


@pytest.mark.parametrize('name', ODD)
@pytest.mark.parametrize('size', [(64, 96), (250, 333)], ids=['small', 'odd'])
def test_the_same_numbers(as_on_gpu, name, size):
    backbone = build(name)
    folded = fold(backbone)
    image = torch.randn(1, 3, *size, dtype=torch.float64)
    with torch.inference_mode():
        assert furthest(folded(image), backbone(image)) < 1e-11
    before = sum(p.numel() for p in fold_on_cpu(backbone).parameters())
    assert sum(p.numel() for p in folded.parameters()) > before


def fold_on_cpu(backbone):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, 'runs_on_gpu', lambda _: False)
        return fold(backbone)


def test_encodings_as_factors(as_on_gpu, monkeypatch):
    """Their products of queries and keys are scaled as the true width asks for."""
    backbone = build('transxnet_t')
    image = torch.randn(1, 3, 256, 320, dtype=torch.float64)
    with torch.inference_mode():
        expected = backbone(image)
        monkeypatch.setattr(rel_pos_encoding, 'LARGEST_BIAS', 0)
        assert furthest(fold(backbone)(image), expected) < 1e-11


def test_without_position_bias(as_on_gpu):
    backbone = build('hrformer_tiny', with_rel_pos_bias=False)
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    with torch.inference_mode():
        assert furthest(fold(backbone)(image), backbone(image)) < 1e-11


@pytest.mark.parametrize('name', list_backbones())
def test_nothing_is_padded_at_a_call(name, monkeypatch):
    """On the meta device, which stands for a GPU."""
    widths = set()
    align = attention.align_heads

    def note(x):
        widths.add(x.shape[-1])
        return align(x)

    monkeypatch.setattr(attention, 'align_heads', note)
    with torch.device('meta'), meta_as_gpu(), torch.no_grad():
        folded = fold(create_backbone(name).eval()).bfloat16()
        folded(torch.empty(1, 3, 160, 256, dtype=torch.bfloat16))
    assert not {width for width in widths if width % 8}


def test_a_cpu_keeps_its_heads():
    folded = fold(create_backbone('hrformer_base').eval())
    found = {m.head_dim for m in folded.modules() if isinstance(m, attention.SelfAttention)}
    assert found == {39}
