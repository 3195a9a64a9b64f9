"""A convolution or linear layer and the activation behind it, in one kernel of oneDNN.

The activation is taken of what the kernel has in its registers: on a CPU, where maps do not fit
into the cache, a pass of its own takes about as long as a 1x1 convolution.
"""

from typing import Callable, Dict, Optional, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import needs_graph
from ..subclass import as_subclass
from .pointwise import PointwiseLinear

# as torch.ops.mkldnn names them, which is what torch.compile fuses with, too
RELU, GELU, SILU = 'relu', 'gelu', 'swish'
NAMES = {nn.ReLU: RELU, nn.GELU: GELU, nn.SiLU: SILU}
Function = Callable[[Tensor], Tensor]
IN_PLACE: Dict[str, Function] = {
    RELU: torch.relu_,
    GELU: torch.ops.aten.gelu_,
    SILU: torch.ops.aten.silu_,
}
OUT_OF_PLACE: Dict[str, Function] = {RELU: F.relu, GELU: F.gelu, SILU: F.silu}


class ActivatedConv2d(nn.Conv2d):
    """``activation(conv(x))``, for inference.

    Attributes:
        activation: ``'relu'``, ``'gelu'`` (the exact one) or ``'swish'``.
    """

    activation: str

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W) -> (N, out_channels, H', W')``."""
        if not fuses(x, self.weight):
            return _activate(super().forward(x), self.activation)
        return torch.ops.mkldnn._convolution_pointwise(
            *(x, self.weight, self.bias),
            *(self.padding, self.stride, self.dilation, self.groups),
            *(self.activation, [], 'none'),
        )

    def extra_repr(self) -> str:
        shown = super().extra_repr()  # type: ignore[no-untyped-call]
        return f'{shown}, activation={self.activation}'


class ActivatedLinear(PointwiseLinear):
    """``activation(linear(x))``, for inference.

    Attributes:
        activation: As of :class:`ActivatedConv2d`.
    """

    activation: str

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features) -> (..., out_features)``."""
        if not fuses(x, self.weight):
            return _activate(super().forward(x), self.activation)
        rows = x.reshape(1, -1, 1, x.shape[-1]).permute(0, 3, 1, 2)
        out = torch.ops.mkldnn._convolution_pointwise(
            *(rows, self.weight[:, :, None, None], self.bias),
            *((0, 0), (1, 1), (1, 1), 1),
            *(self.activation, [], 'none'),
        )
        return out.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, activation={self.activation}'


def fuses(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN's kernels with an activation or a sum inside can be called."""
    return (
        not needs_graph()  # they have no gradient
        and x.device.type == 'cpu'
        and x.numel() > 0
        and x.dtype == weight.dtype
        and _is_supported(x.dtype)
        and not (x.dtype == torch.float32 and _autocasts())
    )


def _is_supported(dtype: torch.dtype) -> bool:
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def _autocasts() -> bool:
    """Whether the plain layers would compute in a smaller type."""
    if hasattr(torch, 'get_autocast_dtype'):  # since torch 2.4, which takes a device
        return torch.is_autocast_enabled('cpu')
    return torch.is_autocast_cpu_enabled()


def _activate(x: Tensor, activation: str) -> Tensor:
    """Of an output that is nobody else's."""
    return (OUT_OF_PLACE if needs_graph() else IN_PLACE)[activation](x)


def name_of(activation: nn.Module) -> Optional[str]:
    """Its name, if there is a kernel for it."""
    if isinstance(activation, nn.GELU) and activation.approximate != 'none':
        return None
    return next((name for cls, name in NAMES.items() if isinstance(activation, cls)), None)


def activated(
    layer: Union[nn.Conv2d, nn.Linear], activation: str
) -> Union[ActivatedConv2d, ActivatedLinear]:
    """The same weights, with an activation behind."""
    made: Union[ActivatedConv2d, ActivatedLinear]
    if isinstance(layer, nn.Linear):
        made = as_subclass(layer, ActivatedLinear)
    else:
        assert layer.padding_mode == 'zeros' and not isinstance(layer.padding, str)
        made = as_subclass(layer, ActivatedConv2d)
    made.activation = activation
    return made


def fold_activation(parent: nn.Module, activation: str, *layers: str) -> nn.Module:
    """Put an activation into the layers that it follows right away.

    Args:
        parent: Where the names begin.
        activation: The activation, which becomes an identity, if there is a kernel for it. Nobody
            but ``layers`` has it behind.
        layers: Convolutions and linear layers whose output goes to the activation alone.

    Returns:
        ``parent``.
    """
    name = name_of(parent.get_submodule(activation))
    if name is None:
        return parent
    for layer in layers:
        path, _, last = layer.rpartition('.')
        target = parent.get_submodule(layer)
        assert isinstance(target, (nn.Conv2d, nn.Linear))
        setattr(parent.get_submodule(path), last, activated(target, name))
    path, _, last = activation.rpartition('.')
    setattr(parent.get_submodule(path), last, nn.Identity())
    return parent
