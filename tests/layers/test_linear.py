"""Linear layers as convolutions: the same numbers and gradients, and on which processors."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hybrid_backbones.layers import Linear
from hybrid_backbones.layers import linear as module
from hybrid_backbones.utils import cpuinfo as module_of_cpuinfo


@pytest.fixture
def convolutions(monkeypatch):
    """How often a convolution is called, on a processor where it is the faster one."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip('torch is built without oneDNN')
    calls, threads = [], torch.get_num_threads()
    real = F.conv2d
    monkeypatch.setattr(module.F, 'conv2d', lambda *args: calls.append(1) or real(*args))
    monkeypatch.setattr(module, 'mkl_is_slow', lambda: True)
    torch.set_num_threads(2)
    yield calls
    torch.set_num_threads(threads)


@pytest.mark.parametrize('shape', [(5, 8), (2, 7, 8), (2, 3, 4, 8)])
@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('transposed', [True, False])
def test_values_and_gradients(convolutions, shape, bias, transposed):
    layer = Linear(8, 12, bias=bias)
    x = torch.randn(shape)
    if transposed:
        x = torch.randn(shape[::-1]).permute(*reversed(range(len(shape))))
    x.requires_grad_()
    out = layer(x)
    assert convolutions == [1]
    expected = F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(out, expected)
    grad = torch.randn_like(out)
    inputs = [x, *layer.parameters()]
    for mine, plain in zip(*(torch.autograd.grad(y, inputs, grad) for y in (out, expected))):
        torch.testing.assert_close(mine, plain)


def test_where_the_plain_layer_is_taken(convolutions, monkeypatch):
    layer, x = Linear(8, 12), torch.randn(3, 8)
    assert layer(x[:0]).shape == (0, 12)
    with torch.autocast('cpu', torch.bfloat16):
        assert layer(x.bfloat16()).dtype == layer(x).dtype == torch.bfloat16
    assert Linear(8, 12).double()(x.double()).dtype == torch.float64
    traced = torch.jit.trace(layer, x, check_trace=False)
    assert 'conv' not in str(traced.graph)
    with torch.backends.mkldnn.flags(enabled=False):
        layer(x)
    torch.set_num_threads(1)
    layer(x)
    torch.set_num_threads(2)
    monkeypatch.setattr(module, 'mkl_is_slow', lambda: False)
    layer(x)
    assert convolutions == []


@pytest.mark.parametrize(
    'maker, capability, slow',
    [
        ('AuthenticAMD', 'AVX512', True),
        ('GenuineIntel', 'AVX512', False),
        ('AuthenticAMD', 'AVX2', False),
    ],
)
def test_processors(monkeypatch, tmp_path, maker, capability, slow):
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        pytest.skip('torch is built without MKL or oneDNN')
    (tmp_path / 'cpuinfo').write_text(f'processor : 0\nvendor_id\t: {maker}\n')
    monkeypatch.setattr(module_of_cpuinfo, 'CPUINFO', tmp_path / 'cpuinfo')
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    assert module.mkl_is_slow.__wrapped__() == slow


@pytest.mark.parametrize(
    'named, maker', [('x86, AuthenticAMD', 'AuthenticAMD'), ('', 'GenuineIntel')]
)
def test_systems_without_cpuinfo(monkeypatch, tmp_path, named, maker):
    monkeypatch.setattr(module_of_cpuinfo, 'CPUINFO', tmp_path / 'none')
    monkeypatch.setattr(module.platform, 'processor', lambda: named)
    assert maker in module._maker()


def test_it_is_a_linear_layer():
    """With the same names, and what sees it as torch's own goes on to."""
    layer = Linear(4, 6)
    assert isinstance(layer, nn.Linear)
    assert list(layer.state_dict()) == ['weight', 'bias']
