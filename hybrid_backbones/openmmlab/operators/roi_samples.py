"""Where RoIAlign samples a map, and between which of its cells each sample lies."""

from typing import NamedTuple, Tuple

import torch
from torch import Tensor

from .common import full_precision

# Samples along one side of one bin; more would be taken of boxes a hundred times larger than maps.
MOST_SAMPLES = 1 << 12


class Geometry(NamedTuple):
    """What a call says about the boxes."""

    bins: Tuple[int, int]
    scale: float
    sampling_ratio: int
    aligned: bool


class Side(NamedTuple):
    """The bins of ``R`` boxes along one axis."""

    start: Tensor  # (R,) where the box begins, in cells of the map
    step: Tensor  # (R,) length of a bin
    samples: Tensor  # (R,) samples in a bin, 0 for a box of no length


def sides(rois: Tensor, geometry: Geometry) -> Tuple[Side, Side]:
    """The bins of boxes along y and along x, rounded as mmcv rounds them."""
    rois = full_precision(rois)
    shift = 0.5 if geometry.aligned else 0.0
    both = []
    for bins, first, last in zip(geometry.bins, (2, 1), (4, 3)):
        start = rois[:, first] * geometry.scale - shift
        length = rois[:, last] * geometry.scale - shift - start
        if not geometry.aligned:  # mmdetection's old way has no box of less than a cell
            length = length.clamp(min=1)
        if geometry.sampling_ratio > 0:
            samples = torch.full_like(length, geometry.sampling_ratio)
        else:
            samples = (length / bins).ceil()
        samples = samples.nan_to_num(0, 0, 0).clamp(0, MOST_SAMPLES).long()
        both.append(Side(start, length / bins, samples))
    return both[0], both[1]


def positions(side: Side, bins: int) -> Tuple[Tensor, Tensor]:
    """Where the samples are, ``(R, bins, S)`` in cells, and which of the ``S`` there are."""
    most = max(int(side.samples.max()), 1)
    count = side.samples[:, None, None]
    bin_start = side.start[:, None] + torch.arange(bins).to(side.start) * side.step[:, None]
    sample = torch.arange(most, device=count.device)
    within = (sample + 0.5).to(side.step) * side.step[:, None, None] / count.clamp(min=1)
    return bin_start[:, :, None] + within, sample < count


def corners(at: Tensor, size: int) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two cells that a sample lies between.

    Args:
        at: Positions, in cells.
        size: Cells of the map along this axis.

    Returns:
        Index of the lower and of the higher cell, the share of the higher, and whether the sample
        is taken: up to one cell outside the map it has the value at its edge, farther out 0.
    """
    taken = (at >= -1) & (at <= size)
    at = torch.where(taken, at, torch.zeros_like(at)).clamp(0, size - 1)
    low = at.long()  # of no negative number: this rounds down
    return low, (low + 1).clamp(max=size - 1), at - low, taken
