"""What goes into the attention of a module while it runs, and what comes out."""

import contextlib
import inspect
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from ...layers import ScaledDotProductAttention, scaled_dot_product_attention

SIGNATURE = inspect.signature(scaled_dot_product_attention)


class Call(NamedTuple):
    """Arguments and result of :func:`hybrid_backbones.layers.scaled_dot_product_attention`."""

    q: Tensor
    k: Tensor
    v: Tensor
    bias: Optional[Tensor]
    scale: Optional[float]
    output: Tensor

    def weights(self, row: int, query: int) -> Tensor:
        """What one query pays to each key, ``(heads, Lk)``, of sum 1 in each head.

        Args:
            row: Of the batch.
            query: Index into the sequence of queries.
        """
        scale = self.q.shape[-1] ** -0.5 if self.scale is None else self.scale
        scores = torch.einsum('hd,hkd->hk', self.q[row, :, query], self.k[row]) * scale
        if self.bias is not None:
            everywhere = (*self.q.shape[:3], self.k.shape[2])
            scores = scores + self.bias.expand(everywhere)[row, :, query]
        return scores.softmax(-1)


@contextlib.contextmanager
def record_attention(module: nn.Module) -> Iterator[List[Call]]:
    """While entered, every attention that ``module`` computes is recorded, by forward hooks.

    Args:
        module: A block of a backbone, or anything else in one.
    """
    calls: List[Call] = []

    def record(
        attention: nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any], output: Tensor
    ) -> None:
        given = SIGNATURE.bind(*args, **kwargs)
        given.apply_defaults()
        calls.append(Call(**given.arguments, output=output))

    hooks = [
        part.register_forward_hook(record, with_kwargs=True)
        for part in module.modules()
        if isinstance(part, ScaledDotProductAttention)
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
