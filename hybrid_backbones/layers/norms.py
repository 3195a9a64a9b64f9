"""Normalisation over channels, and the learnt scale of a residual branch."""

from functools import partial
from typing import Sequence

import torch
from torch import Tensor, nn

from .tracing import is_compiling


class LayerNorm2d(nn.LayerNorm):
    """LayerNorm over the channels of a ``(N, C, H, W)`` map, at each position by itself."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W) -> (N, C, H, W)``."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class BatchNorm2d(nn.BatchNorm2d):
    """BatchNorm whose gradients are fast on the CPU, and right for a batch of one image.

    Where a gradient has not the order in memory of its map, as it comes from token-shaped layers,
    torch 2.13 needs ten times as long; and for one image all three gradients are wrong.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W) -> (N, C, H, W)``."""
        if (
            is_compiling()  # first: the batch of a graph may be of any size
            or x.device.type != 'cpu'
            or not torch.is_grad_enabled()
        ):
            return super().forward(x)
        if x.shape[0] == 1:
            x = x.contiguous()
        layout = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        x = super().forward(x)
        if x.requires_grad:
            x.register_hook(partial(torch.Tensor.contiguous, memory_format=layout))
        return x


class GroupNorm(nn.GroupNorm):
    """GroupNorm that can be trained behind frozen layers on a CPU.

    torch 2.13 crashes the process in the backward pass of a channels-last map that needs no
    gradient of its own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W) -> (N, C, H, W)``."""
        if x.device.type == 'cpu' and torch.is_grad_enabled() and not x.requires_grad:
            x = x.contiguous()
        return super().forward(x)


class LayerScale(nn.Module):
    """A learnt factor for each channel (Touvron et al. 2021, CaiT, section 2.2).

    Args:
        shape: Shape of the factors: ``(C,)`` for ``(..., C)``, ``(1, C, 1, 1)`` for maps.
        init: Their first value.
    """

    def __init__(self, shape: Sequence[int], init: float):
        super().__init__()
        self.gamma = nn.Parameter(torch.full(shape, init))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        return x * self.gamma
