"""The order of maps in memory: in which a backbone works fastest, and what others take."""

import torch
from torch import Tensor

from .gpu import in_small_type, runs_on_gpu
from .tracing import is_exporting, needs_graph

POSITIONS = 1000  # that are copied at once


def to_preferred_format(x: Tensor) -> Tensor:
    """Images ``(N, C, H, W)`` as the blocks like them; see :func:`prefers_channels_last`."""
    if not prefers_channels_last(x) or is_exporting():
        return x
    return x.contiguous(memory_format=torch.channels_last)


def prefers_channels_last(x: Tensor) -> bool:
    """Whether maps go through convolutions and norms faster with channels last.

    On a CPU: norms over channels and attention make channels-last maps there anyway, a map that is
    not costs a copy in every block, and gradients of depthwise convolutions are several times
    faster. On a GPU in 16 bit: cuDNN's depthwise kernels take 7x7 and 11x11 in that layout alone,
    and tensor cores read it. In float32 a GPU keeps the caller's layout.
    """
    return in_small_type(x) if runs_on_gpu(x) else x.device.type == 'cpu'


def to_nchw(x: Tensor) -> Tensor:
    """Maps ``(N, C, H, W)`` in that order in memory.

    On a CPU by some positions after the other: of a large map at once, each channel's part would
    be written while it has long left the cache.
    """
    if x.is_contiguous() or needs_graph() or x.device.type != 'cpu':
        return x.contiguous()
    out = torch.empty(x.shape, dtype=x.dtype)
    pairs = zip(*(maps.flatten(2).split(POSITIONS, dim=2) for maps in (out, x)))
    for target, source in pairs:
        target.copy_(source)
    return out
