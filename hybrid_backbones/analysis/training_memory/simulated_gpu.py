"""What a GPU's kernels keep for the backward pass, on the meta device, where nothing is computed.

Two things differ there from other devices: attention is fused, and mixed precision casts. Both are
imitated at the level of torch's functions.
"""

from typing import Any, Callable, Dict, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ...layers.fused_attention import align_bias, align_heads, head_alignment
from ...layers.gpu import meta_as_gpu

# torch.autocast's lists for CUDA, as far as networks of images call them:
# https://docs.pytorch.org/docs/stable/amp.html#cuda-op-specific-behavior
LOW = {
    F.linear,
    torch.addmm,
    torch.bmm,
    torch.conv1d,
    torch.conv2d,
    torch.conv_transpose2d,
    torch.matmul,
    Tensor.__matmul__,
    Tensor.matmul,
}
FULL = {
    F.binary_cross_entropy_with_logits,
    F.cross_entropy,
    F.group_norm,
    F.layer_norm,
    F.log_softmax,
    F.mse_loss,
    F.smooth_l1_loss,
    F.softmax,
    Tensor.pow,
    Tensor.softmax,
    Tensor.square,
    Tensor.sum,
    torch.pow,
    torch.softmax,
    torch.sum,
}
ATTENTION = F.scaled_dot_product_attention


class SimulatedCUDA(TorchFunctionMode):
    """Inside, functions save what they would on a GPU of Ampere's generation or later.

    Args:
        low: The type to which matrix products and convolutions are cast; None: no cast.
    """

    def __init__(self, low: Optional[torch.dtype] = None):
        super().__init__()
        self.low = low

    def __enter__(self) -> Any:
        self.as_gpu = meta_as_gpu(autocast=self.low is not None)
        self.as_gpu.__enter__()
        return super().__enter__()  # type: ignore[no-untyped-call]  # torch leaves it so

    def __exit__(self, *details: Any) -> None:
        super().__exit__(*details)  # type: ignore[no-untyped-call]
        self.as_gpu.__exit__(*details)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Tuple[Any, ...] = (),
        kwargs: Optional[Dict[str, Any]] = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self.low is not None and (func in LOW or func is ATTENTION):
            args, kwargs = _cast((args, kwargs), torch.float32, self.low)
        elif self.low is not None and func in FULL:
            args, kwargs = _cast((args, kwargs), self.low, torch.float32)
        if func is ATTENTION:
            return _attention(*args, **kwargs)
        return func(*args, **kwargs)


def _cast(values: Any, before: torch.dtype, after: torch.dtype) -> Any:
    if isinstance(values, dict):
        return {key: _cast(value, before, after) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(_cast(value, before, after) for value in values)
    return values.to(after) if isinstance(values, Tensor) and values.dtype == before else values


def _attention(
    q: Tensor, k: Tensor, v: Tensor, attn_mask: Optional[Tensor] = None, scale: Any = None
) -> Tensor:
    d = q.shape[-1]
    if d % head_alignment(q) == 0:
        # a bias in other rows is copied to such ones at every call
        return _fused(q, k, v, None if attn_mask is None else align_bias(attn_mask))
    if q.dtype == torch.float32 or attn_mask is not None:
        return _unfused(q, k, v, attn_mask)
    # FlashAttention's way, which knows no bias
    return _fused(align_heads(q), align_heads(k), align_heads(v), None)[..., :d]


def _fused(q: Tensor, k: Tensor, v: Tensor, bias: Optional[Tensor]) -> Tensor:
    return _Fused.apply(q, k, v, bias)  # type: ignore[no-untyped-call]  # torch leaves it so


def _unfused(q: Tensor, k: Tensor, v: Tensor, bias: Optional[Tensor]) -> Tensor:
    """As torch writes it out: in fp32, whatever comes in. The scale keeps nothing."""
    low = q.dtype
    q, k, v = q.float(), k.float(), v.float()
    scores = q @ k.transpose(-2, -1)
    scores = scores if bias is None else scores + bias
    return (scores.softmax(-1) @ v).to(low)


class _Fused(torch.autograd.Function):
    """Keeps its inputs, its output, and one number for each query: no scores."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Optional[Tensor]) -> Tensor:
        n, heads, length, _ = q.shape
        out = q.new_empty(n, length, heads, v.shape[-1]).transpose(1, 2)  # as kernels lay it out
        weights = q.new_empty(n, heads, length, dtype=torch.float32)
        ctx.save_for_backward(q, k, v, bias, out, weights)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise NotImplementedError('for counting alone')
