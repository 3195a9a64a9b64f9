"""Convolutions and linear layers by oneDNN's kernels, with the activation behind them inside.

On a CPU torch multiplies matrices by one library and convolves by another, oneDNN, which is the
faster one for the layers of this package; and with one thread it takes neither for a 1x1
convolution, but a slower code of its own. An activation is taken of what a kernel has in its
registers, where a pass of its own would read and write the map once more.
"""

from typing import Callable, Dict, Optional, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import DepthwiseConv2d, Linear, autocasts_on_cpu, needs_graph
from ..subclass import as_subclass

# as torch.ops.mkldnn names them, which is what torch.compile fuses with, too
NONE, RELU, GELU, SILU = 'none', 'relu', 'gelu', 'swish'
NAMES = {nn.ReLU: RELU, nn.GELU: GELU, nn.SiLU: SILU}
Function = Callable[[Tensor], Tensor]
IN_PLACE: Dict[str, Function] = {
    RELU: torch.relu_,
    GELU: torch.ops.aten.gelu_,
    SILU: torch.ops.aten.silu_,
}
OUT_OF_PLACE: Dict[str, Function] = {RELU: F.relu, GELU: F.gelu, SILU: F.silu}


class OneDNNConv2d(nn.Conv2d):
    """``activation(conv(x))``, for inference.

    Attributes:
        activation: ``'none'``, ``'relu'``, ``'gelu'`` (the exact one) or ``'swish'``.
    """

    activation = NONE

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W) -> (N, out_channels, H', W')``."""
        x = autocast_to(self.weight, x)
        if not has_kernel(x, self.weight):
            return _activate(super().forward(x), self.activation)
        return torch.ops.mkldnn._convolution_pointwise(
            *(x, self.weight, self.bias),
            *(self.padding, self.stride, self.dilation, self.groups),
            *(self.activation, [], NONE),
        )

    def extra_repr(self) -> str:
        shown = super().extra_repr()  # type: ignore[no-untyped-call]
        return f'{shown}, activation={self.activation}'


class OneDNNDepthwiseConv2d(OneDNNConv2d, DepthwiseConv2d):
    """The same of a layer with gradients of its own."""


class OneDNNLinear(Linear):
    """``activation(linear(x))``, for inference.

    Attributes:
        activation: As of :class:`OneDNNConv2d`.
    """

    activation = NONE

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features) -> (..., out_features)``."""
        x = autocast_to(self.weight, x)
        if not has_kernel(x, self.weight):
            return _activate(super().forward(x), self.activation)
        return torch.ops.mkldnn._linear_pointwise(
            x, self.weight, self.bias, self.activation, [], NONE
        )

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, activation={self.activation}'


def autocast_to(weight: Tensor, x: Tensor) -> Tensor:
    """What autocast would make of ``x`` for a layer whose weights have its type already."""
    if x.dtype == weight.dtype or x.device.type != 'cpu' or needs_graph() or not autocasts_on_cpu():
        return x
    return x.to(weight.dtype) if weight.dtype == torch.bfloat16 else x


def has_kernel(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN can be called by name: it has no gradients there, and no autocast."""
    return (
        not needs_graph()
        and x.device.type == 'cpu'
        and x.numel() > 0
        and x.dtype == weight.dtype
        and _is_supported(x.dtype)
        and not (x.dtype == torch.float32 and autocasts_on_cpu())
    )


def _is_supported(dtype: torch.dtype) -> bool:
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def _activate(x: Tensor, activation: str) -> Tensor:
    """Of an output that is nobody else's."""
    if activation == NONE:
        return x
    return (OUT_OF_PLACE if needs_graph() else IN_PLACE)[activation](x)


def name_of(activation: nn.Module) -> Optional[str]:
    """Its name, if there is a kernel for it."""
    if isinstance(activation, nn.GELU) and activation.approximate != 'none':
        return None
    return next((name for cls, name in NAMES.items() if isinstance(activation, cls)), None)


def by_onednn(layer: Union[nn.Conv2d, nn.Linear]) -> nn.Module:
    """The same layer, with the same weights; itself, if it pads with other values than zeros."""
    if isinstance(layer, nn.Linear):
        return as_subclass(layer, OneDNNLinear)
    if layer.padding_mode != 'zeros' or isinstance(layer.padding, str):
        return layer
    depthwise = isinstance(layer, DepthwiseConv2d)
    return as_subclass(layer, OneDNNDepthwiseConv2d if depthwise else OneDNNConv2d)


def fold_activation(parent: nn.Module, activation: str, *layers: str) -> nn.Module:
    """Put an activation into the layers that it follows right away.

    Args:
        parent: Where the names begin.
        activation: The activation, which becomes an identity, if there is a kernel for it. Nobody
            but ``layers`` has it behind.
        layers: :class:`OneDNNConv2d` and :class:`OneDNNLinear` whose output goes to the activation
            alone.

    Returns:
        ``parent``.
    """
    name = name_of(parent.get_submodule(activation))
    if name is None:
        return parent
    for layer in layers:
        target = parent.get_submodule(layer)
        assert isinstance(target, (OneDNNConv2d, OneDNNLinear))
        target.activation = name
    path, _, last = activation.rpartition('.')
    setattr(parent.get_submodule(path), last, nn.Identity())
    return parent
