"""Convolutions whose gradients are fast on a CPU.

Of stride 1, that keep the size. Two of oneDNN's gradients are slow in torch 2.13: that of the
weights of depthwise kernels wider than three, for which it has no code of its own (7x7 takes
twenty times as long as 7x3), and that of the bias, which takes longer than a sum.
"""

from typing import Any, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .autocast import autocasts_on_cpu
from .tracing import is_compiling

FAST_WIDTH = 3  # of a depthwise kernel


def same_conv2d(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """A convolution of stride 1 that keeps the size.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(D, C / groups, k, k)``, k odd.
        bias: ``(D,)``.

    Returns:
        ``(N, D, H, W)``.
    """
    if _is_recorded_on_cpu(x, weight) and (bias is not None or _is_wide_depthwise(weight)):
        out: Tensor = _SameConv2d.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return out
    return _plain(x, weight, bias)


class SameConv2d(nn.Conv2d):
    """:func:`same_conv2d` as a layer.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel_size: Side of the kernel; odd.
        groups: Of the channels.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1, groups: int = 1):
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W) -> (N, out_channels, H, W)``."""
        return same_conv2d(x, self.weight, self.bias)


def _plain(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    groups = x.shape[1] // weight.shape[1]
    return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=groups)


def _is_recorded_on_cpu(x: Tensor, weight: Tensor) -> bool:
    return (
        not is_compiling()  # first: a graph cannot ask for the rest
        and torch.is_grad_enabled()
        and weight.requires_grad
        and not torch.jit.is_tracing()
        and x.device.type == 'cpu'
        and x.dtype == weight.dtype == torch.float32
        and x.numel() > 0
        and not autocasts_on_cpu()
    )


def _is_wide_depthwise(weight: Tensor) -> bool:
    return weight.shape[1] == 1 and weight.shape[-1] > FAST_WIDTH


class _SameConv2d(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _plain(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Optional[Tensor], ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        by_columns = of_weight and _is_wide_depthwise(weight)
        wanted = of_x, of_weight and not by_columns
        dx, dw = _gradients(grad, x, weight, wanted, weight.shape[3] // 2)
        if by_columns:
            dw = _by_columns(grad, x, weight)
        return dx, dw, grad.permute(0, 2, 3, 1).flatten(0, 2).sum(0) if of_bias else None


def _by_columns(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """``(C, 1, k, k)``, from as many gradients of kernels of three columns as cover it."""
    width = weight.shape[-1]
    padded = F.pad(x, [width // 2] * 2)
    parts = []
    for start in range(0, width, FAST_WIDTH):
        first = min(start, width - FAST_WIDTH)
        seen = padded.narrow(3, first, x.shape[3] + FAST_WIDTH - 1)
        seen = seen.contiguous(memory_format=torch.channels_last)
        part = _gradients(grad, seen, weight[..., :FAST_WIDTH], (False, True), padding=0)[1]
        assert part is not None
        parts.append(part[..., start - first :])  # the last ones may overlap those before
    return torch.cat(parts, dim=-1)


def _gradients(
    grad: Tensor, x: Tensor, weight: Tensor, wanted: Tuple[bool, bool], padding: int
) -> Tuple[Optional[Tensor], Optional[Tensor]]:
    """Of a map and of a kernel, whose ``padding`` is at the map's sides."""
    if not any(wanted):
        return None, None
    found = torch.ops.aten.convolution_backward(
        *(grad, x, weight, None, [1, 1], [weight.shape[2] // 2, padding], [1, 1]),
        *(False, [0, 0], x.shape[1] // weight.shape[1], [*wanted, False]),
    )
    return found[0], found[1]
