"""Activation checkpointing that leaves BatchNorm statistics as they would be without it."""

from contextlib import contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


@contextmanager
def _statistics_kept(norms):
    """Let BatchNorms in training mode normalise by the batch without recording it."""
    before = [(norm.momentum, norm.num_batches_tracked.clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before):
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(count)


def checkpoint_block(block: nn.Module, x: Tensor, **kwargs) -> Tensor:
    """``block(x, **kwargs)``, with its inner activations computed again in the backward pass.

    The second forward pass would add the same batch to the running statistics of BatchNorm
    once more; it is kept from doing so.
    """
    norms = [
        m
        for m in block.modules()
        if isinstance(m, _BatchNorm) and m.training and m.track_running_stats
    ]
    options = {}
    if norms:
        options['context_fn'] = lambda: (nullcontext(), _statistics_kept(norms))
    return checkpoint(block, x, use_reentrant=False, **options, **kwargs)
