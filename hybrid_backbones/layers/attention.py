"""Scaled dot-product attention, the one place where it is computed."""

from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fused_attention import align_bias, align_heads, side_by_side
from .gpu import in_small_type, runs_on_gpu
from .linear import Linear
from .tracing import is_compiling


def scaled_dot_product_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Optional[Tensor] = None,
    scale: Optional[float] = None,
) -> Tensor:
    """``softmax(q k^T * scale + bias) v`` without a score matrix in memory where torch can.

    It cannot for a bias that is trained on a CPU: what it does then is made for rows that are
    masked whole, which these are never, and takes longer than the plain formula.

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
        bias = bias[(None,) * (4 - bias.dim())]  # and, on a CPU, 2 or 4 dimensions
        trained = bias.requires_grad and torch.is_grad_enabled()
        if trained and bias.device.type == 'cpu' and not is_compiling():
            scores = q * (q.shape[-1] ** -0.5 if scale is None else scale) @ k.transpose(2, 3)
            scores += bias
            return scores.softmax(-1) @ v
    if runs_on_gpu(q):
        return _attend_on_gpu(q, k, v, bias, scale)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)


def _attend_on_gpu(
    q: Tensor, k: Tensor, v: Tensor, bias: Optional[Tensor], scale: Optional[float]
) -> Tensor:
    """The same with inputs that no fused kernel refuses."""
    q, k, v = side_by_side(q, k, v)
    if bias is None and in_small_type(q):
        return F.scaled_dot_product_attention(q, k, v, scale=scale)
    width = q.shape[-1]
    scale = width**-0.5 if scale is None else scale
    q, k, v = map(align_heads, (q, k, v))
    mask = None if bias is None else align_bias(bias)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)[..., :width]


class ScaledDotProductAttention(nn.Module):
    """:func:`scaled_dot_product_attention` as a module without parameters, which hooks can see."""

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Optional[Tensor] = None,
        scale: Optional[float] = None,
    ) -> Tensor:
        """As :func:`scaled_dot_product_attention`."""
        return scaled_dot_product_attention(q, k, v, bias, scale)


class SelfAttention(nn.Module):
    """Multi-head self-attention over one sequence (Vaswani et al. 2017, section 3.2.2).

    Args:
        dim: Channels in and out.
        head_dim: Channels of one head; must divide ``dim``.

    Attributes:
        scale: Of the scores; stays when folding puts zeros behind each head's channels.

    Raises:
        ValueError: ``head_dim`` does not divide ``dim``.
    """

    def __init__(self, dim: int, head_dim: int):
        super().__init__()
        if head_dim < 1 or dim % head_dim:
            raise ValueError(f'head_dim must divide the width {dim}, got {head_dim}')
        self.head_dim = head_dim
        self.scale = head_dim**-0.5
        self.qkv = Linear(dim, 3 * dim)
        self.attend = ScaledDotProductAttention()
        self.proj = Linear(dim, dim)

    def forward(self, x: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        """``(N, L, dim) -> (N, L, dim)``; ``bias`` as in :func:`scaled_dot_product_attention`."""
        return self._join(self.attend(*self._split(x), bias, scale=self.scale))

    def with_first_row(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """The same, and how the first token's attention is spread, the heads' mean ``(N, L)``."""
        q, k, v = self._split(x)
        scores = q[:, :, :1] @ k.transpose(2, 3) * self.scale
        attended = self._join(self.attend(q, k, v, scale=self.scale))
        return attended, scores.softmax(-1).mean(1).squeeze(1)

    def _split(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """``(N, L, dim)`` to queries, keys and values ``(N, heads, L, head_dim)``."""
        # chunks, not a dimension of three: their gradients need one copy less
        parts = self.qkv(x).chunk(3, dim=2)
        q, k, v = (part.unflatten(2, (-1, self.head_dim)).transpose(1, 2) for part in parts)
        return q, k, v

    def _join(self, x: Tensor) -> Tensor:
        """``(N, heads, L, head_dim) -> (N, L, dim)``."""
        return self.proj(x.transpose(1, 2).flatten(2))
