"""Sums of large maps in the memory of one of their terms."""

import torch.nn.functional as F
from torch import Tensor, nn

ROWS = 32  # of a map that are added at once


def add_rectified(total: Tensor, layer: nn.Module, x: Tensor) -> Tensor:
    """``relu(total + layer(x))`` in the memory of ``total``.

    On a CPU without all of ``layer(x)`` at once; a GPU would wait for the small pieces.

    Args:
        total: ``(N, C, H, W)``; it is overwritten.
        layer: A 1x1 convolution to C channels.
        x: ``(N, D, H, W)``.

    Returns:
        ``total``.
    """
    step = ROWS if x.device.type == 'cpu' else x.shape[2]
    for rows, part in zip(x.split(step, dim=2), total.split(step, dim=2)):
        F.relu_(part.add_(layer(rows)))
    return total
