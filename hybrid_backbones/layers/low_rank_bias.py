"""Attention with a bias that would be too large as a tensor."""

from typing import Callable, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .fused_attention import HEAD_WIDTH


class LowRankBias(NamedTuple):
    """``rows @ columns.T``, the bias of all queries and keys, as its two factors.

    Args:
        rows: ``(1, heads, Lq, rank)``.
        columns: ``(Lk, rank)``.
    """

    rows: Tensor
    columns: Tensor

    def to(self, dtype: torch.dtype) -> 'LowRankBias':
        """The same in another dtype."""
        return LowRankBias(self.rows.to(dtype), self.columns.to(dtype))

    def product(self) -> Tensor:
        """``(1, heads, Lq, Lk)``: the bias itself."""
        return self.rows @ self.columns.transpose(0, 1)

    def attend(
        self, attention: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, scale: float
    ) -> Tensor:
        """``attention(q, k, v, rows @ columns.T, scale)``, in memory that is linear in the tokens.

        The factors become more channels of queries and keys, whose products add up to the bias.

        Args:
            attention: As :func:`~hybrid_backbones.layers.scaled_dot_product_attention`.
            q: ``(N, heads, Lq, d)``.
            k: ``(N, heads, Lk, d)``.
            v: ``(N, heads, Lk, d)``.
            scale: Factor on the products of queries and keys.

        Returns:
            ``(N, heads, Lq, d)``.
        """
        n, heads, _, dim = k.shape
        padding = -(dim + self.rows.shape[-1]) % HEAD_WIDTH
        rows = F.pad(self.rows, (0, padding)).expand(n, -1, -1, -1)
        columns = F.pad(self.columns, (0, padding)).expand(n, heads, -1, -1)
        q, k = torch.cat([q * scale, rows], dim=3), torch.cat([k, columns], dim=3)
        v = F.pad(v, (0, k.shape[3] - dim))  # kernels want one width for all three
        return attention(q, k, v, scale=1.0)[..., :dim]
