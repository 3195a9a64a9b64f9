"""Non-maximum suppression: greedy, soft (Bodla et al., 2017), and greedy with its groups."""

from typing import Dict, Iterator, List, Tuple

import numpy as np
import torch
from torch import Tensor

from .common import MOST_NUMBERS, full_precision, operator

# Boxes that are compared with all others at once; those that they suppress are never compared.
BLOCK = 128


@operator
def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Keep a box if no kept box of a higher score overlaps it by more than ``iou_threshold``.

    Args:
        boxes: ``(N, 4)`` corners ``x1, y1, x2, y2`` in pixels.
        scores: ``(N,)``.
        iou_threshold: Largest allowed intersection over union.
        offset: 1 if a box includes its last pixel, else 0.

    Returns:
        Indices of what is kept, by falling score.
    """
    order = by_score(scores)
    kept = [kept for kept, _ in _suppress(boxes[order], iou_threshold, offset, False)]
    return order[torch.cat(kept).sort().values] if kept else order


@operator
def nms_match(dets: Tensor, iou_threshold: float) -> List[List[int]]:
    """Like :func:`nms`, with what each kept box suppresses; here an overlap equal to it is enough.

    Args:
        dets: ``(N, 5)`` boxes and scores.
        iou_threshold: Smallest intersection over union that suppresses.

    Returns:
        For each kept box, by falling score, its index and the indices of what it suppressed.
    """
    order = by_score(dets[:, 4])
    groups: Dict[int, List[int]] = {}
    for kept, pairs in _suppress(dets[order, :4], iou_threshold, 0, True):
        groups.update((position, [position]) for position in kept.tolist())
        for position, suppressed in pairs.tolist():
            groups[position].append(suppressed)
    names = order.tolist()
    return [[names[each] for each in sorted(groups[position])] for position in sorted(groups)]


def by_score(scores: Tensor) -> Tensor:
    """Indices by falling score; equal ones as mmcv has them, which does not ask for stability."""
    return scores.sort(descending=True).indices


def _suppress(
    boxes: Tensor, threshold: float, offset: int, equal_too: bool
) -> Iterator[Tuple[Tensor, Tensor]]:
    """Go through boxes in their order; yields what is kept, and pairs ``(keeper, suppressed)``."""
    boxes = full_precision(boxes)
    areas = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
    corners = boxes.t().contiguous()

    def overlaps(first: Tensor, second: Tensor) -> Tensor:
        x1, y1, x2, y2 = (each[first, None] for each in corners)
        xx1, yy1, xx2, yy2 = (each[None, second] for each in corners)
        w = torch.minimum(x2, xx2).sub_(torch.maximum(x1, xx1)).add_(offset).clamp_(min=0)
        h = torch.minimum(y2, yy2).sub_(torch.maximum(y1, yy1)).add_(offset).clamp_(min=0)
        inter = w.mul_(h)
        union = (areas[first, None] + areas[None, second]).sub_(inter)
        # dividing, and not comparing with threshold * union, rounds as mmcv does
        iou = inter.div_(union)
        return iou >= threshold if equal_too else iou > threshold

    left = torch.arange(len(boxes), device=boxes.device)
    while left.numel():
        head, left = left[:BLOCK], left[BLOCK:]
        keeper = _resolve(overlaps(head, head)).to(head)
        is_kept = keeper < 0
        kept = head[is_kept]
        pairs = [torch.stack((head[keeper[~is_kept]], head[~is_kept]), 1)]
        still = []
        for part in left.split(MOST_NUMBERS // 8 // BLOCK):
            over = overlaps(kept, part)
            hit = over.any(0)
            still.append(part[~hit])
            if equal_too:  # nms has no use for who it was
                first = over[:, hit].to(torch.uint8).argmax(0)
                pairs.append(torch.stack((kept[first], part[hit]), 1))
        left = torch.cat(still) if still else left
        yield kept, torch.cat(pairs)


def _resolve(over: Tensor) -> Tensor:
    """Of ``B`` boxes, the position of that which suppresses each one, -1 for the kept.

    Args:
        over: ``(B, B)`` bools, whether two boxes overlap too much.
    """
    later = np.triu(over.cpu().numpy(), 1)
    keeper = np.full(len(later), -1)
    for position, row in enumerate(later):
        if keeper[position] < 0:
            keeper[row & (keeper < 0)] = position
    return torch.from_numpy(keeper)


@operator
def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft-NMS: overlapped boxes lose score, and go when it falls below ``min_score``.

    Args:
        boxes: ``(N, 4)`` corners.
        scores: ``(N,)``.
        dets: ``(N, 5)``; its first rows are filled with boxes and new scores, by falling score.
        iou_threshold: What methods 0 and 1 act from.
        sigma: Of method 2.
        min_score: See above.
        method: 0 naive (score 0), 1 linear (times ``1 - iou``), 2 Gaussian.
        offset: As in :func:`nms`.

    Returns:
        Indices of the rows of ``dets`` that were filled.
    """
    kind = np.float64 if boxes.dtype == torch.float64 else np.float32
    x1, y1, x2, y2 = full_precision(boxes).cpu().numpy().T
    areas = (x2 - x1 + kind(offset)) * (y2 - y1 + kind(offset))
    # one row for each property, so that boxes move by moving columns
    state = np.stack([x1, y1, x2, y2, full_precision(scores).cpu().numpy(), areas]).astype(kind)
    index = np.arange(len(boxes))
    done, left = 0, len(boxes)
    while done < left:
        best = done + int(state[4, done:left].argmax())
        state[:, [done, best]] = state[:, [best, done]]
        index[[done, best]] = index[[best, done]]
        x1, y1, x2, y2, _, area = state[:, done]
        done += 1
        rest = state[:, done:left]
        w = np.maximum(np.minimum(x2, rest[2]) - np.maximum(x1, rest[0]) + kind(offset), kind(0))
        h = np.maximum(np.minimum(y2, rest[3]) - np.maximum(y1, rest[1]) + kind(offset), kind(0))
        inter = w * h
        with np.errstate(invalid='ignore', divide='ignore'):  # boxes of no area
            iou = inter / (area + rest[5] - inter)
        if method == 2:
            rest[4] *= np.exp(-(iou * iou) / kind(sigma))
        else:
            over = iou >= kind(iou_threshold)
            rest[4, over] *= 1 - iou[over] if method == 1 else kind(0)
        # Equal scores are taken in the order of their columns, and mmcv fills the place of a box
        # that goes with the last one: the places are those of the first, filled from the end.
        stays = ~(rest[4] < kind(min_score))
        count = int(stays.sum())
        holes, fill = np.flatnonzero(~stays[:count]), count + np.flatnonzero(stays[count:])[::-1]
        rest[:, holes] = rest[:, fill]
        index[done + holes] = index[done + fill]
        left = done + count
    dets[:left] = torch.from_numpy(state[:5, :left].T.copy()).to(dets)
    return torch.from_numpy(index[:left].copy())
