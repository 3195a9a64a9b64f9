"""RoIAlign (He et al., Mask R-CNN, 2017, section 3): bins of a box, sampled bilinearly.

A sample's weights are a product of one along y and one along x, and so is what a whole bin does:
the average over its samples is ``Wy @ map @ Wx.T`` on the part of the map that the box covers. The
cost does not depend on the number of samples, and the gradient is the transposed product.
"""

from typing import Iterator, Tuple

import torch
from torch import Tensor

from .common import full_precision, operator
from .roi_align_max import max_backward, max_forward
from .roi_samples import Geometry, Side, corners, positions, sides

MAX = 0  # mmcv's number of the mode; averages are 1

# Numbers in the weights of the boxes that are prepared together.
MOST_WEIGHTS = 1 << 21


@operator
def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Fill ``output``, and for maxima where they were found.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(R, 5)``, the image's index and the corners of the box in pixels of the image.
        output: ``(R, C, aligned_height, aligned_width)``, as ``argmax_y`` and ``argmax_x`` are if
            ``pool_mode`` is 0; these are then given cells of the map.
        spatial_scale: Cells of the map for each pixel.
        sampling_ratio: Samples along each side of a bin; 0 for one for each cell that it covers.
        pool_mode: 0 for the largest sample of a bin, 1 for their average.
        aligned: Whether pixels have their centres at halves.
    """
    output.zero_()
    geometry = Geometry((aligned_height, aligned_width), spatial_scale, sampling_ratio, aligned)
    if pool_mode == MAX:
        max_forward(input, rois, output, argmax_y, argmax_x, *sides(rois, geometry))
        return
    channels = input.shape[1]
    for n, image, (y, x), wy, wx in _windows(input, rois, geometry):
        window = full_precision(input[image, :, y, x])
        rows = torch.bmm(wy.expand(channels, -1, -1), window)
        output[n] = (rows.reshape(-1, wx.shape[1]) @ wx.t()).view(output.shape[1:])


@operator
def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Fill ``grad_input``, ``(N, C, H, W)`` of zeros; the rest as in the forward pass."""
    total = full_precision(grad_input)
    if pool_mode == MAX:
        max_backward(grad_output, rois, argmax_y, argmax_x, total)
    else:
        geometry = Geometry((aligned_height, aligned_width), spatial_scale, sampling_ratio, aligned)
        channels = total.shape[1]
        for n, image, (y, x), wy, wx in _windows(total, rois, geometry):
            grad = full_precision(grad_output[n])
            rows = (grad.reshape(-1, aligned_width) @ wx).view(channels, aligned_height, -1)
            total[image, :, y, x] += torch.bmm(wy.t().expand(channels, -1, -1), rows)
    if total is not grad_input:
        grad_input.copy_(total)


def _weights(side: Side, bins: int, size: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Of ``R`` boxes, ``(R, bins, E)`` weights of cells, and the first and end of the cells."""
    at, there = positions(side, bins)
    low, high, share, taken = corners(at, size)
    taken = (taken & there).flatten(1)
    low, high, share = low.flatten(1), high.flatten(1), share.flatten(1)
    first = torch.where(taken, low, size).amin(1)
    end = torch.where(taken, high + 1, 0).amax(1)
    first = torch.minimum(first, end)  # a box of which nothing is on the map covers no cell
    extent = max(int((end - first).max()), 1)
    row = torch.arange(bins, device=low.device).repeat_interleave(at.shape[2]) * extent
    weights = share.new_zeros(len(first), bins * extent)
    # samples that are not taken add nothing, somewhere
    for cell, weight in ((low, 1 - share), (high, share)):
        cell = torch.where(taken, cell - first[:, None], 0)
        weights.scatter_add_(1, cell + row, weight * taken)
    weights /= side.samples.clamp(min=1)[:, None]
    return weights.view(-1, bins, extent), first, end


def _windows(
    input: Tensor, rois: Tensor, geometry: Geometry
) -> Iterator[Tuple[int, int, Tuple[slice, slice], Tensor, Tensor]]:
    """Of each box that touches the map: its index, image, cells, and weights along y and x."""
    if not len(rois):
        return
    size, bins = input.shape[-2:], geometry.bins
    both = sides(rois, geometry)
    largest = max(
        count * max(int(side.samples.max()), min(cells, 1 << 8))
        for side, count, cells in zip(both, bins, size)
    )
    images = rois[:, 0].long().tolist()
    step = max(MOST_WEIGHTS // largest, 1)
    for start in range(0, len(rois), step):
        part = [Side(*(each[start : start + step] for each in side)) for side in both]
        (wy, y0, y1), (wx, x0, x1) = map(_weights, part, bins, size)
        cells = torch.stack((y0, y1, x0, x1), 1).tolist()
        for n, (top, bottom, left, right) in enumerate(cells):
            if top < bottom and left < right:
                window = slice(top, bottom), slice(left, right)
                here = wy[n, :, : bottom - top], wx[n, :, : right - left]
                yield (start + n, images[start + n], window, *here)
