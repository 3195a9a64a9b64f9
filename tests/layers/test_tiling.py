"""Maps cut into bands give what whole maps give."""

import pytest
import torch
from torch import nn

from hybrid_backbones.backbones.hrformer import ConvMlp
from hybrid_backbones.backbones.transxnet import MultiScaleMlp
from hybrid_backbones.layers import Mlp, apply_in_tiles
from hybrid_backbones.layers import tiling as bands


@pytest.fixture
def small_bands(monkeypatch):
    monkeypatch.setattr(bands, 'BAND_BYTES', 2**14)


def listener(module):
    """The module, and the shapes it gets."""
    shapes = []

    def run(x):
        shapes.append(tuple(int(side) for side in x.shape))  # tensors in a trace
        return module(x)

    return run, shapes


@pytest.mark.parametrize('kernel', [1, 3, 7])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('batch', [1, 3])
def test_a_map(small_bands, kernel, layout, batch):
    """What a position sees of its neighbours, it sees over the border of a band, too."""
    halo = kernel // 2
    conv = nn.Conv2d(4, 4, kernel, padding=halo).double()
    x = torch.randn(batch, 4, 53, 21, dtype=torch.float64).to(memory_format=layout)
    run, shapes = listener(conv)
    with torch.inference_mode():
        out = apply_in_tiles(run, x, dim=2, ratio=1, halo=halo)
        torch.testing.assert_close(out, conv(x))
    assert out.is_contiguous(memory_format=layout)
    assert len(shapes) > batch
    assert all(shape[0] == 1 for shape in shapes)
    rows = 2**14 // (4 * 21 * 8)
    assert max(shape[2] for shape in shapes) == max(rows, 4 * halo) + 2 * halo


def test_tokens(small_bands):
    mlp = Mlp(8, 24).eval()
    x = torch.randn(2, 501, 8)
    expected = mlp(x)
    sizes = []
    mlp.act.register_forward_hook(lambda module, args, out: sizes.append(out.nbytes))
    with torch.no_grad():
        torch.testing.assert_close(mlp(x), expected)
    assert len(sizes) > 2
    assert max(sizes) <= 2**14


@pytest.mark.parametrize('kind', [ConvMlp, MultiScaleMlp])
def test_statistics_of_a_batch_are_of_whole_maps(small_bands, kind):
    """Also where they are taken without gradients, as when BatchNorms are calibrated."""
    torch.manual_seed(0)
    mlp, other = kind(8, 32), kind(8, 32)
    other.load_state_dict(mlp.state_dict())
    x = torch.randn(2, 8, 40, 24)
    expected = other.train()(x)
    with torch.no_grad():
        torch.testing.assert_close(mlp.train()(x), expected)
    for name, value in mlp.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name])


def test_what_is_recorded_is_whole(small_bands):
    conv = nn.Conv2d(4, 4, 1).requires_grad_(False)
    run, shapes = listener(conv)
    x = torch.randn(1, 4, 50, 40)
    apply_in_tiles(run, x, dim=2, ratio=1)
    with torch.no_grad():
        traced = torch.jit.trace(
            lambda x: apply_in_tiles(run, x, dim=2, ratio=1), x, check_trace=False
        )
        assert set(shapes) == {(1, 4, 50, 40)}
        torch.testing.assert_close(traced(x[:, :, :33]), conv(x[:, :, :33]))
        compiled = torch.compile(
            lambda x: apply_in_tiles(conv, x, dim=2, ratio=1), backend='eager', fullgraph=True
        )
        torch.testing.assert_close(compiled(x), conv(x))


def test_the_type_is_the_functions(small_bands):
    """As autocast changes it."""
    conv = nn.Conv2d(4, 4, 1)
    x = torch.randn(1, 4, 50, 40)
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        out = apply_in_tiles(conv, x, dim=2, ratio=1)
        assert out.dtype == torch.bfloat16
        torch.testing.assert_close(out, conv(x))


def test_small_maps_are_whole():
    run, shapes = listener(nn.Identity())
    with torch.no_grad():
        apply_in_tiles(run, torch.randn(2, 4, 50, 40), dim=2, ratio=4, halo=1)
    assert shapes == [(2, 4, 50, 40)]
