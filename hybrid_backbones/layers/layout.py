"""The order in memory in which a backbone works fastest."""

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
