"""The order of maps in memory: in which a backbone works fastest, and what others take."""

import torch
from torch import Tensor

from .tracing import is_exporting


def working_layout(x: Tensor) -> Tensor:
    """Images ``(N, 3, H, W)`` as the blocks like them, on a CPU channels last.

    Norms over channels and attention make channels-last maps there anyway: a map that is not costs
    a copy in every block. And gradients of depthwise convolutions are several times faster. On a
    GPU the caller's layout is kept.
    """
    if x.device.type != 'cpu' or is_exporting():
        return x
    return x.contiguous(memory_format=torch.channels_last)


def nchw(x: Tensor) -> Tensor:
    """Maps ``(N, C, H, W)`` in that order in memory.

    As positions without rows and columns, which torch copies in half of the time on a CPU.
    """
    return x.flatten(2).contiguous().view(x.shape)
