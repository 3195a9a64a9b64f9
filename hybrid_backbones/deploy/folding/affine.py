"""Scales and shifts of channels, and taking them into the layer before or behind."""

from functools import singledispatch
from typing import Sequence, Tuple, Union

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...layers import LayerScale
from .onednn import NONE

Layer = Union[nn.Conv2d, nn.ConvTranspose2d, nn.Linear]


@singledispatch
def affine_of(module: nn.Module) -> Tuple[Tensor, Tensor]:
    """What a module in eval mode does to a channel: factor and shift, float64 ``(C,)`` each.

    Raises:
        TypeError: It does something else, or nobody said what it does.
    """
    raise TypeError(f'{type(module).__name__} is not known to scale and shift channels')


@affine_of.register(_BatchNorm)
def _(norm: _BatchNorm) -> Tuple[Tensor, Tensor]:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None  # every norm here tracks its statistics
    factor = norm.weight.double() * (variance.double() + norm.eps).rsqrt()
    return factor, norm.bias.double() - mean.double() * factor


@affine_of.register(LayerScale)
def _(scale: LayerScale) -> Tuple[Tensor, Tensor]:
    factor = scale.gamma.double().flatten()
    return factor, torch.zeros_like(factor)


def fold_into(
    parent: nn.Module, layer: str, before: Sequence[str] = (), after: Sequence[str] = ()
) -> None:
    """Make ``layer`` compute ``after(layer(before(x)))``, and the others pass what they get.

    Rounded once, from float64 to the layer's own type.

    Args:
        parent: Where the names begin.
        layer: A convolution or linear layer; with ``before``, one of single positions: where a
            convolution is zero-padded, a shift before it is missing in the padding.
        before: Modules for :func:`affine_of` whose output nobody but ``layer`` gets.
        after: Modules for :func:`affine_of` that alone get its output, in their order.
    """
    target = parent.get_submodule(layer)
    assert isinstance(target, (nn.Conv2d, nn.Linear))
    # which would come before
    assert not after or getattr(target, 'activation', NONE) == NONE
    weight = target.weight.double()
    bias = weight.new_zeros(len(weight)) if target.bias is None else target.bias.double()
    for factor, shift in _take(parent, before[::-1]):
        _check_pointwise(target, layer)
        bias = bias + weight.flatten(1) @ shift
        weight = weight * _along(factor, weight, dim=1)
    for factor, shift in _take(parent, after):
        bias = bias * factor + shift
        weight = weight * _along(factor, weight, dim=0)
    set_weights(target, weight, bias)


def set_weights(layer: Layer, weight: Tensor, bias: Tensor) -> None:
    """Give a layer new weights, in the type of its old ones."""
    dtype = layer.weight.dtype
    layer.weight = nn.Parameter(weight.to(dtype), requires_grad=False)
    layer.bias = nn.Parameter(bias.to(dtype), requires_grad=False)


def _take(parent: nn.Module, names: Sequence[str]) -> Sequence[Tuple[Tensor, Tensor]]:
    """Factors and shifts of the named modules, each of which becomes an identity."""
    found = []
    for name in names:
        module = parent.get_submodule(name)
        if not isinstance(module, nn.Identity):
            found.append(affine_of(module))
            path, _, last = name.rpartition('.')
            setattr(parent.get_submodule(path), last, nn.Identity())
    return found


def _check_pointwise(layer: Layer, name: str) -> None:
    if isinstance(layer, nn.Linear):
        return
    if layer.kernel_size != (1, 1) or layer.padding != (0, 0) or layer.groups != 1:
        raise TypeError(f'{name} is no plain 1x1 convolution: nothing before it can be folded')


def _along(factor: Tensor, weight: Tensor, dim: int) -> Tensor:
    """``(C,)`` so shaped that it multiplies dimension ``dim`` of ``weight``."""
    shape = [1] * weight.dim()
    shape[dim] = -1
    return factor.view(shape)
