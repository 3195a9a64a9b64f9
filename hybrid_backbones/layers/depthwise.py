"""Depthwise convolutions whose weights' gradients are fast on a CPU."""

from typing import Any, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .autocast import autocasts_on_cpu
from .tracing import is_compiling

FAST_WIDTH = 3  # of a kernel


def depthwise_conv2d(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """A depthwise convolution of stride 1 that keeps the size.

    On a CPU torch 2.13 takes the gradient of its weights twenty times as long for a kernel of 7x7
    as for one of 7x3: oneDNN has no code for kernels wider than three. They are computed there
    three columns at a time.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(C, 1, k, k)``, k odd.
        bias: ``(C,)``.

    Returns:
        ``(N, C, H, W)``.
    """
    if _by_columns(x, weight):
        out: Tensor = _ByColumns.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return out
    return _plain(x, weight, bias)


class DepthwiseConv2d(nn.Conv2d):
    """:func:`depthwise_conv2d` as a layer.

    Args:
        dim: Channels in and out.
        kernel: Side of the kernel; odd.
    """

    def __init__(self, dim: int, kernel: int):
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return depthwise_conv2d(x, self.weight, self.bias)


def _plain(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=len(weight))


def _by_columns(x: Tensor, weight: Tensor) -> bool:
    return (
        not is_compiling()  # first: a graph cannot ask for the rest
        and weight.shape[-1] > FAST_WIDTH
        and torch.is_grad_enabled()
        and weight.requires_grad
        and not torch.jit.is_tracing()
        and x.device.type == 'cpu'
        and x.dtype == weight.dtype == torch.float32
        and x.numel() > 0
        and not autocasts_on_cpu()
    )


class _ByColumns(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _plain(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Optional[Tensor], ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            _gradients(grad, x, weight, (True, False), weight.shape[3] // 2)[0] if of_x else None,
            _of_weight(grad, x, weight) if of_weight else None,
            grad.sum((0, 2, 3)) if of_bias else None,
        )


def _of_weight(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """``(C, 1, k, k)``, from as many gradients of kernels of three columns as cover it."""
    width = weight.shape[-1]
    padded = F.pad(x, [width // 2] * 2)
    parts = []
    for start in range(0, width, FAST_WIDTH):
        first = min(start, width - FAST_WIDTH)
        seen = padded.narrow(3, first, x.shape[3] + FAST_WIDTH - 1)
        seen = seen.contiguous(memory_format=torch.channels_last)
        part = _gradients(grad, seen, weight[..., :FAST_WIDTH], (False, True), padding=0)[1]
        parts.append(part[..., start - first :])  # the last ones may overlap those before
    return torch.cat(parts, dim=-1)


def _gradients(
    grad: Tensor, x: Tensor, weight: Tensor, wanted: Tuple[bool, bool], padding: int
) -> Tuple[Tensor, Tensor]:
    """Of a map and of a kernel, whose ``padding`` is at the map's sides."""
    found = torch.ops.aten.convolution_backward(
        *(grad, x, weight, None, [1, 1], [weight.shape[2] // 2, padding], [1, 1]),
        *(False, [0, 0], len(weight), [*wanted, False]),
    )
    return found[0], found[1]
