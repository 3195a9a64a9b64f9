"""Scaled dot-product attention, the one place where it is computed."""

from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Optional[Tensor] = None,
    scale: Optional[float] = None,
) -> Tensor:
    """``softmax(q k^T * scale + bias) v`` without a score matrix in memory where torch can.

    Args:
        q: ``(N, heads, Lq, d)``.
        k: ``(N, heads, Lk, d)``.
        v: ``(N, heads, Lk, d)``.
        bias: Added to the scores, broadcastable to ``(N, heads, Lq, Lk)``.
        scale: Factor on the scores; ``None`` is ``d ** -0.5``.

    Returns:
        ``(N, heads, Lq, d)``.
    """
    if bias is not None:
        bias = bias.to(q.dtype)  # fused kernels want one dtype
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)


class SelfAttention(nn.Module):
    """Multi-head self-attention over one sequence (Vaswani et al. 2017, section 3.2.2).

    Args:
        dim: Channels in and out.
        head_dim: Channels of one head; must divide ``dim``.

    Raises:
        ValueError: ``head_dim`` does not divide ``dim``.
    """

    def __init__(self, dim: int, head_dim: int):
        super().__init__()
        if head_dim < 1 or dim % head_dim:
            raise ValueError(f'head_dim must divide the width {dim}, got {head_dim}')
        self.head_dim = head_dim
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        """``(N, L, dim) -> (N, L, dim)``; ``bias`` as in :func:`attend`."""
        n, length, dim = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, dim // self.head_dim, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        out = attend(q, k, v, bias)
        return self.proj(out.transpose(1, 2).reshape(n, length, dim))
