"""Sums in the memory of one of their terms."""

import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import needs_graph

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


class ResidualSum(nn.Module):
    """In the place of :class:`~hybrid_backbones.layers.DropPath`, where nothing is dropped."""

    def forward(self, x: Tensor) -> Tensor:
        """The branch, ``(N, ...)``, as it is."""
        return x

    def add(self, x: Tensor, branch: Tensor) -> Tensor:
        """``x + branch``, without gradients in the memory of the branch: nobody else has it."""
        same = branch.dtype == x.dtype and branch.stride() == x.stride()
        return x + branch if needs_graph() or not same else branch.add_(x)
