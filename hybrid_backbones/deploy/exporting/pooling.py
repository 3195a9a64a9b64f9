"""Adaptive average pooling of maps of any size, as matrix products."""

from typing import Any

import torch
from torch import Tensor, nn


def bin_means(bins: int, size: int, like: Tensor) -> Tensor:
    """Adaptive pooling of ``size`` positions as a matrix ``(bins, size)``."""
    numbers = torch.arange(bins, device=like.device)[:, None]
    positions = torch.arange(size, device=like.device)
    begins = numbers * size // bins <= positions
    ends = positions * bins < (numbers + 1) * size
    inside = (begins & ends).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)


class AnySizeAdaptiveAvgPool2d(nn.AdaptiveAvgPool2d):
    """Takes no output size for None, which would be the input's."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, *output_size)``."""
        size: Any = self.output_size
        rows, columns = (size, size) if isinstance(size, int) else size
        if rows is None or columns is None:
            return super().forward(x)
        height, width = x.shape[2:]
        return bin_means(rows, height, x) @ x @ bin_means(columns, width, x).transpose(0, 1)
