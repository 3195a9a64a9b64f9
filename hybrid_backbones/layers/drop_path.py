"""Stochastic depth (Huang et al. 2016), one decision per sample."""

from typing import List, Sequence

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """In training, zero a sample's whole branch with some probability and rescale the rest.

    Args:
        drop_prob: Probability of dropping, in [0, 1).
    """

    def __init__(self, drop_prob: float = 0.0):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """``(N, ...) -> (N, ...)``."""
        if not self.training or self.drop_prob == 0.0:
            return x
        keep = 1.0 - self.drop_prob
        shape = (x.shape[0],) + (1,) * (x.dim() - 1)
        # Bernoulli by comparison, so that float16 cannot round a draw up to 1
        kept = torch.rand(shape, device=x.device) < keep
        return x * (kept.to(x.dtype) / keep)

    def add(self, x: Tensor, branch: Tensor) -> Tensor:
        """``x``, ``(N, ...)``, plus its branch, unless that is dropped."""
        return x + self(branch)

    def extra_repr(self) -> str:
        return f'drop_prob={self.drop_prob:.3f}'


def drop_path_rates(rate: float, depths: Sequence[int]) -> List[List[float]]:
    """Rates that grow linearly from 0 to ``rate`` over all blocks, grouped by stage.

    Raises:
        ValueError: ``rate`` is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f'drop_path_rate must be in [0, 1), got {rate!r}')
    total = sum(depths)
    ramp = iter([rate * i / max(total - 1, 1) for i in range(total)])
    return [[next(ramp) for _ in range(depth)] for depth in depths]
