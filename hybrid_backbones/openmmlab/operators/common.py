"""What all operators share: how they are called, and the precision they compute in."""

import functools
from contextlib import nullcontext
from typing import Any, Callable, ContextManager

import torch
from torch import Tensor

# How many numbers a temporary tensor may hold: 64 MiB in float32.
MOST_NUMBERS = 1 << 24


def operator(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run ``function`` as a compiled kernel runs: no gradients recorded, no autocasting.

    mmcv calls its kernels inside ``autograd.Function``, where autocast is still on and would turn
    the matrix products of float32 maps into those of halves.
    """

    @functools.wraps(function)
    def call(first: Tensor, *args: Any, **kwargs: Any) -> Any:
        with torch.no_grad(), _no_autocast(first.device.type):
            return function(first, *args, **kwargs)

    return call


def _no_autocast(device: str) -> ContextManager[Any]:
    try:
        return torch.autocast(device, enabled=False)
    except RuntimeError:  # a device that knows no autocast
        return nullcontext()


def full_precision(tensor: Tensor) -> Tensor:
    """float64 as it is, everything else in float32: halves are rounded once, at the end."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
