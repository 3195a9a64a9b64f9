"""Token pruning of the light UniFormers, after Evo-ViT (Xu et al. 2022).

Papers: https://arxiv.org/abs/2201.09450 and https://arxiv.org/abs/2108.01390 (sections 3.2, 3.3).
The half of the tokens that the class token attends to most is computed as usual; the others are
represented by one token, and all receive what that one receives.
"""

from typing import Callable, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layers import is_exporting, pad_to_multiple

Update = Callable[[Tensor], Tuple[Tensor, Tensor, Tensor]]


def update_all(tokens: Tensor, cls: Tensor, update: Update) -> Tuple[Tensor, Tensor, Tensor]:
    """A block without pruning.

    Args:
        tokens: ``(N, L, C)``.
        cls: The class token, ``(N, 1, C)``.
        update: The block: a sequence ``(N, S, C)`` to its new value, what was added to it, and
            the attention that its first token pays to each, ``(N, S)``.

    Returns:
        New ``tokens`` and ``cls``, and the tokens' scores ``(N, L)``.
    """
    new, _, attention = update(torch.cat([cls, tokens], dim=1))
    return new[:, 1:], new[:, :1], attention[:, 1:]


def update_pruned(
    tokens: Tensor, cls: Tensor, scores: Tensor, update: Update, keep: float
) -> Tuple[Tensor, Tensor, Tensor]:
    """A block that computes the share ``keep`` of the tokens that have the highest scores.

    ``keep`` is also the share of the new attention in the new scores. The rest as in
    :func:`update_all`.
    """
    share, whole = keep.as_integer_ratio()  # for torch.export, whose sizes are no floats
    kept = tokens.shape[1] * share // whole
    order = scores.argsort(dim=1, descending=True)
    tokens, scores = _take(tokens, order), scores.gather(1, order)
    weights = scores[:, kept:] / scores[:, kept:].sum(1, keepdim=True)
    merged = (weights[..., None] * tokens[:, kept:]).sum(1, keepdim=True)
    new, added, attention = update(torch.cat([cls, tokens[:, :kept], merged], dim=1))
    tokens = torch.cat([new[:, 1:-1], tokens[:, kept:] + added[:, -1:]], dim=1)
    renewed = (1 - keep) * scores[:, :kept] + keep * attention[:, 1:-1]
    scores = torch.cat([renewed, scores[:, kept:]], dim=1)
    back = order.argsort(dim=1)
    return _take(tokens, back), new[:, :1], scores.gather(1, back)


def halve_scores(scores: Tensor, size: Sequence[int]) -> Tensor:
    """Scores of a map of ``size`` to those of the next stage's, of the same sum.

    Args:
        scores: ``(N, H * W)``.
        size: ``(H, W)``.

    Returns:
        ``(N, ceil(H / 2) * ceil(W / 2))``.
    """
    pooled = _halve(scores.unflatten(1, (1, *size))).flatten(1)
    return pooled * (scores.sum(1, keepdim=True) / pooled.sum(1, keepdim=True))


def _halve(x: Tensor) -> Tensor:
    """Means of 2x2 positions, at odd edges of those that are there."""
    if not is_exporting():
        return F.avg_pool2d(x, 2, ceil_mode=True)
    # ceil_mode asks whether a size is odd, and a graph for all sizes cannot
    parts = (F.avg_pool2d(pad_to_multiple(part, 2), 2) for part in (x, torch.ones_like(x)))
    total, there = parts
    return total / there


def _take(tokens: Tensor, order: Tensor) -> Tensor:
    return tokens.gather(1, order[..., None].expand_as(tokens))
