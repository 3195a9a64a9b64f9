"""Every way of computing the same levels, against the recorded numbers of the authors' code.

Folded backbones are in ``tests/deploy/test_published.py`` and ``test_published_ways.py`` beside it,
compiled ones in ``test_inductor.py``, smaller types in ``test_bfloat16.py``.
"""

import pytest
import torch

from hybrid_backbones.layers import attention, linear
from hybrid_backbones.layers import tiling as bands
from tests.golden import assert_close, goldens
from tests.published_runs import FAMILIES, QUICK, published

RUNS = [
    pytest.param(family, golden, id=golden.tag)
    for name, family in FAMILIES.items()
    for golden in goldens(name)
    if golden.tag in QUICK
]


def assert_levels(family, golden, levels):
    assert len(levels) == len(family.levels)
    for name, level in zip(family.levels, levels):
        assert_close(level, golden, name, family.tolerance)


@pytest.mark.parametrize('family, golden', RUNS)
def test_with_gradients(family, golden):
    """Attention with a bias that is trained has a formula of its own on a CPU."""
    assert_levels(family, golden, published(family, golden)(golden.image()))


@pytest.mark.parametrize('family, golden', RUNS)
def test_checkpointed(family, golden):
    assert_levels(family, golden, published(family, golden, with_cp=True)(golden.image()))


@pytest.mark.parametrize('family, golden', RUNS)
def test_band_by_band(family, golden, monkeypatch):
    """As large maps are."""
    monkeypatch.setattr(bands, 'BAND_BYTES', 2**16)
    with torch.inference_mode():
        assert_levels(family, golden, published(family, golden)(golden.image()))


@pytest.mark.parametrize('family, golden', RUNS)
def test_linear_layers_as_convolutions(family, golden, monkeypatch):
    """As on processors on which torch multiplies matrices slowly."""
    seen = []
    monkeypatch.setattr(linear, '_convolves', lambda x: seen.append(x) or True)
    with torch.inference_mode():
        backbone = published(family, golden)
        assert_levels(family, golden, backbone(golden.image()))
    has_one = any(isinstance(module, linear.Linear) for module in backbone.modules())
    assert has_one == bool(seen), 'TransXNet has none'


@pytest.mark.parametrize('family, golden', RUNS)
def test_plain_attention(family, golden, monkeypatch):
    """Without fused kernels, as on devices that have none."""
    calls = []

    def attend(*args, **kwargs):
        calls.append(args)
        return fused(*args, **kwargs)

    fused = attention.F.scaled_dot_product_attention
    monkeypatch.setattr(attention.F, 'scaled_dot_product_attention', attend)
    kernels = pytest.importorskip(
        'torch.nn.attention', reason='torch before 2.3 has no torch.nn.attention'
    )
    with torch.inference_mode(), kernels.sdpa_kernel(kernels.SDPBackend.MATH):
        assert_levels(family, golden, published(family, golden)(golden.image()))
    assert calls


@pytest.mark.parametrize('family, golden', RUNS)
def test_channels_last(family, golden):
    backbone = published(family, golden).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        image = golden.image().contiguous(memory_format=torch.channels_last)
        assert_levels(family, golden, backbone(image))
