"""Activation checkpointing that leaves BatchNorm statistics as they would be without it."""

from contextlib import contextmanager, nullcontext
from typing import Any, Dict, Iterator, List

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


@contextmanager
def _statistics_kept(norms: List[_BatchNorm]) -> Iterator[None]:
    """Let BatchNorms in training mode normalise by the batch without recording it."""
    before = []
    for norm in norms:
        count = norm.num_batches_tracked
        assert count is not None  # these track their statistics
        before.append((norm.momentum, count, count.clone()))
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, count, kept) in zip(norms, before):
            norm.momentum = momentum
            count.copy_(kept)


def run_block(block: nn.Module, x: Tensor, checkpointed: bool, **kwargs: Any) -> Any:
    """``block(x, **kwargs)``, by :func:`checkpoint_block` if wanted and gradients are recorded."""
    if checkpointed and torch.is_grad_enabled():
        return checkpoint_block(block, x, **kwargs)
    return block(x, **kwargs)


def checkpoint_block(block: nn.Module, x: Tensor, **kwargs: Any) -> Tensor:
    """``block(x, **kwargs)``, with its inner activations computed again in the backward pass.

    The second forward pass would add the same batch to the running statistics of BatchNorm
    once more; it is kept from doing so.
    """
    norms = [
        m
        for m in block.modules()
        if isinstance(m, _BatchNorm) and m.training and m.track_running_stats
    ]
    options: Dict[str, Any] = {}
    if norms:
        options['context_fn'] = lambda: (nullcontext(), _statistics_kept(norms))
    return checkpoint(block, x, use_reentrant=False, **options, **kwargs)
