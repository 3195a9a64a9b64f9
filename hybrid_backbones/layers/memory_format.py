"""The order of maps in memory: in which a backbone works fastest, and what others take."""

import torch
from torch import Tensor

from .tracing import is_exporting, needs_graph

POSITIONS = 1000  # that are copied at once


def to_preferred_format(x: Tensor) -> Tensor:
    """Images ``(N, 3, H, W)`` as the blocks like them, on a CPU channels last.

    Norms over channels and attention make channels-last maps there anyway: a map that is not costs
    a copy in every block. And gradients of depthwise convolutions are several times faster. On a
    GPU the caller's layout is kept.
    """
    if x.device.type != 'cpu' or is_exporting():
        return x
    return x.contiguous(memory_format=torch.channels_last)


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
