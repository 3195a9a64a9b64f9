"""RoI pooling (Girshick, Fast R-CNN, 2015): the largest cell of each bin of a box.

mmcv does not round the box to cells first, as the paper and torchvision do, but each bin outwards;
hence torchvision's kernel does not serve here.
"""

from typing import List, Tuple

import torch
from torch import Tensor

from .common import MOST_NUMBERS, full_precision, operator


@operator
def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Fill ``output`` and ``argmax``, both ``(R, C, pooled_height, pooled_width)``.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(R, 5)``, the image's index and the corners of the box in pixels of the image, its
            last pixel included.
        output: The largest of each bin, 0 for a bin without cells.
        argmax: int32, ``y * W + x`` of that cell, -1 for a bin without cells.
        spatial_scale: Cells of the map for each pixel.
    """
    output.zero_()
    argmax.fill_(-1)
    height, width = input.shape[-2:]
    tops, bottoms = _edges(rois[:, 2], rois[:, 4], spatial_scale, pooled_height, height)
    lefts, rights = _edges(rois[:, 1], rois[:, 3], spatial_scale, pooled_width, width)
    ends = ((bottoms > tops).any(1) & (rights > lefts).any(1)).tolist()
    for n, image in enumerate(rois[:, 0].long().tolist()):
        if not ends[n]:
            continue
        rows, row_there = _cells(tops[n], bottoms[n])
        columns, column_there = _cells(lefts[n], rights[n])
        there = (row_there[:, None, :, None] & column_there[None, :, None, :]).flatten(2)
        cell = (rows[:, None, :, None] * width + columns[None, :, None, :]).flatten(2)
        for channels in _parts(input.shape[1], cell.numel()):
            # (C, rows * Y, columns * X) to (C, rows, columns, Y * X): the first of equal cells
            values = input[image, channels].index_select(1, rows.flatten())
            values = values.index_select(2, columns.flatten())
            values = values.unflatten(2, columns.shape).unflatten(1, rows.shape)
            values = values.transpose(2, 3).flatten(3).masked_fill(~there, float('-inf'))
            best = values.argmax(3)
            found = there.any(2).expand(best.shape)
            value = values.gather(3, best[..., None])[..., 0]
            at = cell.expand(len(best), -1, -1, -1).gather(3, best[..., None])[..., 0]
            output[n, channels] = torch.where(found, value, 0).to(output)
            argmax[n, channels] = torch.where(found, at, -1).to(argmax)


@operator
def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add to ``grad_input``, ``(N, C, H, W)``, at the cells that were largest."""
    channels = grad_input.shape[1]
    total = full_precision(grad_input).contiguous()
    flat = total.view(-1)
    cells = grad_input.shape[2] * grad_input.shape[3]
    plane = torch.arange(channels, device=rois.device)
    step = max(MOST_NUMBERS // 4 // max(grad_output[:1].numel(), 1), 1)
    for n in range(0, len(rois), step):
        at = argmax[n : n + step].long()
        start = rois[n : n + step, 0].long()[:, None] * channels + plane
        grad = full_precision(grad_output[n : n + step]) * (at >= 0)
        cell = start[..., None, None] * cells + at.clamp(min=0)
        flat.index_add_(0, cell.flatten(), grad.flatten())
    if total is not grad_input:
        grad_input.copy_(total)


def _edges(first: Tensor, last: Tensor, scale: float, bins: int, size: int) -> Tuple[Tensor, ...]:
    """First cell and end of each bin along one axis, both ``(R, bins)``."""
    start = full_precision(first) * scale
    length = (full_precision(last) + 1) * scale - start
    step = (length / bins)[:, None]
    bin_ = torch.arange(bins + 1).to(start)
    low = (bin_[:-1] * step + start[:, None]).floor()
    high = (bin_[1:] * step + start[:, None]).ceil()
    # a box of no length has no cells; what is not a number neither
    high = torch.where(length[:, None] > 0, high, low)
    low, high = (each.nan_to_num(0, size, 0).clamp(0, size).long() for each in (low, high))
    return low, high


def _cells(start: Tensor, end: Tensor) -> Tuple[Tensor, Tensor]:
    """Cells of bins, ``(bins, most)``, and which of them belong to the bin."""
    most = max(int((end - start).max()), 1)
    cells = start[:, None] + torch.arange(most, device=start.device)
    there = cells < end[:, None]
    return torch.where(there, cells, 0), there


def _parts(channels: int, cells: int) -> List[slice]:
    step = max(MOST_NUMBERS // 4 // cells, 1)
    return [slice(start, start + step) for start in range(0, channels, step)]
