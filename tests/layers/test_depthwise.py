"""Depthwise convolutions: the gradients are torch's, by way of narrower kernels."""

import pytest
import torch
import torch.nn.functional as F

from hybrid_backbones.layers import DepthwiseConv2d, depthwise
from hybrid_backbones.layers.depthwise import depthwise_conv2d


@pytest.fixture
def columns(monkeypatch):
    """Shapes of the kernels whose gradients are asked for."""
    shapes, real = [], depthwise._gradients

    def spy(grad, x, weight, wanted, padding):
        if wanted[1]:
            shapes.append(tuple(weight.shape[2:]))
        return real(grad, x, weight, wanted, padding)

    monkeypatch.setattr(depthwise, '_gradients', spy)
    return shapes


def gradients(function, inputs, grad):
    out = function(*inputs)
    return out, torch.autograd.grad(out, [x for x in inputs if x is not None], grad)


@pytest.mark.parametrize('kernel, calls', [(5, 2), (7, 3), (9, 3), (11, 4)])
@pytest.mark.parametrize('size', [(9, 13), (2, 1), (4, 3)])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('bias', [True, False])
def test_gradients(columns, kernel, calls, size, layout, bias):
    """Also of maps that are smaller than the kernel."""
    x = torch.randn(2, 6, *size).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(6, 1, kernel, kernel, requires_grad=True)
    shift = torch.randn(6, requires_grad=True) if bias else None
    grad = torch.randn(2, 6, *size)
    out, found = gradients(depthwise_conv2d, (x, weight, shift), grad)
    assert columns == [(kernel, 3)] * calls

    def plain(x, weight, bias):
        return F.conv2d(x, weight, bias, padding=kernel // 2, groups=6)

    expected, wanted = gradients(plain, (x, weight, shift), grad)
    torch.testing.assert_close(out, expected)
    for mine, theirs in zip(found, wanted):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


def test_gradients_of_gradients():
    x = torch.randn(1, 2, 4, 5, requires_grad=True)
    weight = torch.randn(2, 1, 5, 5, requires_grad=True)
    seconds = []
    for function in (depthwise_conv2d, lambda x, w: F.conv2d(x, w, padding=2, groups=2)):
        first = torch.autograd.grad(function(x, weight).square().sum(), weight, create_graph=True)
        seconds.append(torch.autograd.grad(first[0].square().sum(), (x, weight)))
    for mine, theirs in zip(*seconds):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_only_what_is_wanted(columns):
    x, layer = torch.randn(1, 4, 6, 6), DepthwiseConv2d(4, 7)
    layer(x).sum().backward()  # the images need none
    assert columns == [(7, 3)] * 3
    layer.weight.requires_grad_(False)
    layer(x.requires_grad_()).sum().backward()
    with torch.no_grad():
        layer(x)
    assert len(columns) == 3


def test_where_the_plain_one_is_taken(columns):
    x, weight = torch.randn(1, 4, 6, 6), torch.randn(4, 1, 7, 7, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16):
        assert depthwise_conv2d(x, weight).dtype == torch.bfloat16
    depthwise_conv2d(x.double(), weight.double()).sum().backward()
    depthwise_conv2d(x, weight[..., 2:5, 2:5]).sum().backward()
    depthwise_conv2d(x[:0], weight).sum().backward()
    assert columns == []
