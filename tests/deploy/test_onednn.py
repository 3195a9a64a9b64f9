"""Layers with their activation in one kernel: the same numbers, and where they are not used."""

import pytest
import torch
from torch import nn

from hybrid_backbones.deploy.folding import onednn
from hybrid_backbones.deploy.folding.affine import fold_into
from hybrid_backbones.deploy.folding.onednn import (
    by_onednn,
    fold_activation,
    has_kernel,
)
from hybrid_backbones.layers import DropPath

ACTIVATIONS = {'none': nn.Identity(), 'relu': nn.ReLU(), 'gelu': nn.GELU(), 'swish': nn.SiLU()}
LAYERS = {
    '1x1': (lambda: nn.Conv2d(8, 12, 1), (2, 8, 5, 7)),
    'strided': (lambda: nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False), (1, 3, 20, 31)),
    'depthwise': (lambda: nn.Conv2d(8, 8, 5, padding=2, groups=8), (2, 8, 9, 6)),
    'linear': (lambda: nn.Linear(8, 12), (2, 7, 8)),
    'linear, no bias': (lambda: nn.Linear(8, 12, bias=False), (3, 2, 5, 8)),
}
NO_KERNEL = not torch.backends.mkldnn.is_available()


def activated(layer, name):
    made = by_onednn(layer)
    made.activation = name
    return made


@pytest.fixture
def kernels(monkeypatch):
    """How often a kernel with an activation inside is called."""
    if NO_KERNEL:
        pytest.skip('torch is built without oneDNN')
    called = []
    ops = torch.ops.mkldnn
    convolution, linear = ops._convolution_pointwise, ops._linear_pointwise

    class Ops:
        _is_mkldnn_bf16_supported = staticmethod(ops._is_mkldnn_bf16_supported)

        @staticmethod
        def _convolution_pointwise(*args):
            called.append(args[7])
            return convolution(*args)

        @staticmethod
        def _linear_pointwise(*args):
            called.append(args[3])
            return linear(*args)

    monkeypatch.setattr(onednn.torch.ops, 'mkldnn', Ops)
    return called


@pytest.mark.parametrize('name', ACTIVATIONS)
@pytest.mark.parametrize('make, shape', LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize('layout', ['contiguous', 'permuted'])
def test_numbers(kernels, name, make, shape, layout):
    layer, act = make(), ACTIVATIONS[name]
    both = activated(layer, name)
    assert both.weight is layer.weight and both.bias is layer.bias
    x = torch.randn(shape)
    if layout == 'permuted':
        x = x.transpose(1, -1).contiguous().transpose(1, -1)
    with torch.inference_mode():
        expected = act(layer(x).clone())
        torch.testing.assert_close(both(x), expected)
        assert kernels == [name]
        torch.testing.assert_close(both(x[:0]), expected[:0])  # no images, no kernel
    assert kernels == [name]


@pytest.mark.parametrize('make, shape', LAYERS.values(), ids=LAYERS)
def test_gradients_go_the_plain_way(kernels, make, shape):
    layer, x = make(), torch.randn(shape, requires_grad=True)
    both = activated(layer, 'gelu')
    (mine,), (plain,) = (
        torch.autograd.grad(out.square().sum(), [x]) for out in (both(x), nn.GELU()(layer(x)))
    )
    torch.testing.assert_close(mine, plain)
    assert kernels == []


@pytest.mark.parametrize('make, shape', LAYERS.values(), ids=LAYERS)
def test_other_types_go_the_plain_way(kernels, make, shape):
    both, x = activated(make(), 'gelu'), torch.randn(shape)
    with torch.no_grad():
        with torch.autocast('cpu', torch.bfloat16):
            assert both(x).dtype == torch.bfloat16
        assert both.double()(x.double()).dtype == torch.float64
        assert kernels == []
        out = both.bfloat16()(x.bfloat16())
    assert out.dtype == torch.bfloat16
    assert bool(kernels) == bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@pytest.mark.parametrize('make, shape', LAYERS.values(), ids=LAYERS)
def test_weights_that_autocast_finds_cast(kernels, make, shape):
    """As autocast would: the input is cast, too, and then there is a kernel."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip('oneDNN has no bfloat16 on this CPU')
    both, x = activated(make(), 'relu').bfloat16(), torch.randn(shape)
    with torch.no_grad():
        expected = both(x.bfloat16())
        with torch.autocast('cpu', torch.bfloat16):
            found = both(x)
    assert torch.equal(found, expected)
    assert kernels == ['relu', 'relu']


def test_without_onednn():
    layer, x = nn.Conv2d(8, 12, 1), torch.randn(1, 8, 4, 4)
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        assert not has_kernel(x, layer.weight)
        torch.testing.assert_close(activated(layer, 'relu')(x), layer(x).relu())


def test_what_is_replaced():
    """The layers before, and the activation, if oneDNN has it."""
    exact = nn.Sequential(by_onednn(nn.Conv2d(4, 4, 1)), nn.GELU())
    fold_activation(exact, '1', '0')
    assert isinstance(exact[1], nn.Identity)
    assert 'activation=gelu' in repr(exact)
    for act in (nn.GELU('tanh'), nn.Hardsigmoid(), DropPath(0.1)):
        other = nn.Sequential(by_onednn(nn.Conv2d(4, 4, 1)), act)
        fold_activation(other, '1', '0')
        assert other[0].activation == 'none' and other[1] is act


@pytest.mark.parametrize('padding', [dict(padding='same'), dict(padding=1, padding_mode='reflect')])
def test_other_paddings_stay(padding):
    layer = nn.Conv2d(4, 4, 3, **padding)
    assert by_onednn(layer) is layer


def test_norms_are_not_folded_behind_an_activation():
    pair = nn.Sequential(activated(nn.Conv2d(4, 4, 1), 'relu'), nn.BatchNorm2d(4)).eval()
    with pytest.raises(AssertionError):
        fold_into(pair, '0', after=['1'])


def test_traces():
    """What reads the code sees the plain layers: other runtimes have no kernel of that name."""
    layer, x = activated(nn.Conv2d(4, 4, 1), 'gelu'), torch.randn(1, 4, 5, 5)
    with torch.no_grad():
        traced = torch.jit.trace(layer, x)
        assert '_convolution_pointwise' not in str(traced.graph)
        torch.testing.assert_close(traced(x), layer(x))
