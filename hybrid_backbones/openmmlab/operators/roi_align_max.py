"""RoIAlign that takes the largest sample of a bin instead of the average."""

import torch
from torch import Tensor

from .common import MOST_NUMBERS, full_precision
from .roi_samples import Side, corners, positions

# What mmcv starts a maximum from: the value of a bin without samples, too.
LOWEST = -10000.0


def max_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    y_side: Side,
    x_side: Side,
) -> None:
    """See :func:`.roi_align.roi_align_forward`."""
    output.fill_(LOWEST)
    argmax_y.fill_(-1)
    argmax_x.fill_(-1)
    bins_y, bins_x = output.shape[2:]
    for n, image in enumerate(rois[:, 0].long().tolist()):
        y, _ = positions(Side(*(each[n : n + 1] for each in y_side)), bins_y)
        x, _ = positions(Side(*(each[n : n + 1] for each in x_side)), bins_x)
        if not (y_side.samples[n] and x_side.samples[n]):
            continue
        samples = y.shape[2] * bins_x * x.shape[2]
        step = max(MOST_NUMBERS // 4 // samples, 1)
        for row in range(bins_y):  # a row of bins and some channels at a time, to bound memory
            for part in torch.arange(input.shape[1]).split(step):
                channels = slice(int(part[0]), int(part[-1]) + 1)
                values = _sample(input[image, channels], y[0, row], x[0].flatten())
                # (C, S, bins, S) to (C, bins, S * S): of equal samples, the first in rows
                values = values.unflatten(2, (bins_x, -1)).transpose(1, 2).flatten(2)
                best = values.argmax(2)
                value = values.gather(2, best[..., None]).squeeze(2)
                found = value > LOWEST
                at_y = y[0, row][best // x.shape[2]]
                at_x = x[0].expand(len(best), -1, -1).gather(2, (best % x.shape[2])[..., None])
                output[n, channels, row] = value.clamp(min=LOWEST).to(output)
                argmax_y[n, channels, row] = torch.where(found, at_y, -1).to(argmax_y)
                argmax_x[n, channels, row] = torch.where(found, at_x[..., 0], -1).to(argmax_x)


def _sample(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """``(C, H, W)`` at each pair of positions, ``(C, Y, X)``."""
    for dim, at in ((1, y), (2, x)):
        low, high, share, taken = corners(at, image.shape[dim])
        shape = (-1, 1) if dim == 1 else (-1,)
        share, taken = share.view(shape), taken.view(shape)
        lower, higher = (full_precision(image.index_select(dim, each)) for each in (low, high))
        image = (lower * (1 - share) + higher * share) * taken
    return image


def max_backward(
    grad_output: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor, total: Tensor
) -> None:
    """Add to ``total``, ``(N, C, H, W)``, what the samples that were largest get."""
    _, channels, height, width = total.shape
    flat = total.view(-1)
    step = max(MOST_NUMBERS // 8 // max(grad_output[:1].numel(), 1), 1)
    plane = torch.arange(channels, device=total.device)
    for n in range(0, len(rois), step):
        part = slice(n, n + step)
        y, x = full_precision(argmax_y[part]), full_precision(argmax_x[part])
        grad = full_precision(grad_output[part]) * (y != -1)
        y_low, y_high, y_share, y_taken = corners(y, height)
        x_low, x_high, x_share, x_taken = corners(x, width)
        grad = grad * (y_taken & x_taken)
        start = (rois[part, 0].long()[:, None] * channels + plane)[..., None, None]
        for row, row_share in ((y_low, 1 - y_share), (y_high, y_share)):
            for column, share in ((x_low, 1 - x_share), (x_high, x_share)):
                cell = (start * height + row) * width + column
                flat.index_add_(0, cell.flatten(), (grad * row_share * share).flatten())
