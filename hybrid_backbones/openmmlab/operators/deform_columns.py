"""Deformable convolution as a matrix product of weights and sampled columns, with its gradients.

A column is a weighted sum of four cells, for all channels at once: torch's ``embedding_bag``, which
makes no copy of the cells. Positions stay in cells, as mmcv has them: offsets start at zero, where
samples fall on cells exactly, and the gradient jumps there; ``grid_sample`` would round the
positions to one side or the other.
"""

from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .common import MOST_NUMBERS, full_precision


class Conv(NamedTuple):
    """The settings of a convolution, each pair along y and x."""

    stride: Tuple[int, int]
    padding: Tuple[int, int]
    dilation: Tuple[int, int]
    groups: int
    deform_groups: int


class Grads(NamedTuple):
    """Tensors that are added to; None is not asked for."""

    input: Optional[Tensor] = None
    offset: Optional[Tensor] = None
    mask: Optional[Tensor] = None
    weight: Optional[Tensor] = None


def forward(
    input: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    weight: Tensor,
    output: Tensor,
    conv: Conv,
) -> None:
    """Fill ``output``.

    Args:
        input: ``(N, C, H, W)``.
        offset: ``(N, deform_groups * K * 2, oH, oW)``, for each of ``K`` taps y and x, in cells.
        mask: ``(N, deform_groups * K, oH, oW)`` factors of what is sampled; None for ones.
        weight: ``(C_out, C / groups, kH, kW)``.
        output: ``(N, C_out, oH, oW)``.
    """
    matrix = _matrix(weight, conv)
    for n in range(len(input)):
        table = _table(input[n], conv)
        result = matrix.new_empty(matrix.shape[0] * matrix.shape[1], output[n, 0].numel())
        for part, offsets, masks in _parts(
            offset[n], mask if mask is None else mask[n], weight, conv
        ):
            y, x = _positions(offsets, part, output.shape[3], weight.shape[3], conv)
            cells, shares = _corners(y, x, masks, input.shape[2:], conv)
            columns = _grouped(_sample(table, cells, shares), conv, part.stop - part.start)
            result[:, part] = torch.bmm(matrix, columns.transpose(1, 2)).flatten(0, 1)
        output[n] = result.view(output.shape[1:])


def backward(
    input: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    weight: Tensor,
    grad_output: Tensor,
    grads: Grads,
    conv: Conv,
) -> None:
    """Add to ``grads`` what ``grad_output``, ``(N, C_out, oH, oW)``, gives them."""
    matrix = _matrix(weight, conv)
    of_matrix = torch.zeros_like(matrix)
    moves = grads.offset is not None or grads.mask is not None
    for n in range(len(input)):
        table = _table(input[n], conv)
        of_table = torch.zeros_like(table)
        for part, offsets, masks in _parts(
            offset[n], mask if mask is None else mask[n], weight, conv
        ):
            grad = full_precision(grad_output[n]).flatten(1)[:, part]
            grad = grad.unflatten(0, (conv.groups, -1))
            leaves = [each.requires_grad_() for each in (offsets, masks) if each is not None]
            with torch.set_grad_enabled(moves):
                y, x = _positions(offsets, part, grad_output.shape[3], weight.shape[3], conv)
                cells, shares = _corners(y, x, masks, input.shape[2:], conv)
                # torch 2.1 fails if the shares need a gradient and the table does not
                columns = _sample(table.detach().requires_grad_(moves), cells, shares)
            count = part.stop - part.start
            if grads.weight is not None:
                of_matrix += torch.bmm(grad, _grouped(columns.detach(), conv, count))
            if not moves and grads.input is None:
                continue
            of_columns = _ungrouped(torch.bmm(grad.transpose(1, 2), matrix), conv, columns)
            if grads.input is not None:
                _spread(of_table, cells, shares.detach(), of_columns)
            if moves:
                found = torch.autograd.grad(columns, leaves, of_columns)
                for total, each in zip((grads.offset, grads.mask), found):
                    if total is not None:
                        # ([deform_groups, K, 2] or [deform_groups, K], part)
                        total[n].flatten(1)[:, part] += each.flatten(0, -2).to(total)
        if grads.input is not None:
            grads.input[n] += of_table.view(*input.shape[2:], -1).permute(2, 0, 1).to(grads.input)
    if grads.weight is not None:
        grads.weight.add_(_weight_like(of_matrix, weight, conv).to(grads.weight))


def _matrix(weight: Tensor, conv: Conv) -> Tensor:
    """``(groups, C_out / groups, K * C / groups)``, the taps before the channels."""
    weight = full_precision(weight).flatten(2).transpose(1, 2)
    return weight.flatten(1).unflatten(0, (conv.groups, -1))


def _weight_like(matrix: Tensor, weight: Tensor, conv: Conv) -> Tensor:
    taps = weight.shape[2] * weight.shape[3]
    return matrix.flatten(0, 1).unflatten(1, (taps, -1)).transpose(1, 2).reshape(weight.shape)


def _table(image: Tensor, conv: Conv) -> Tensor:
    """``(C, H, W)`` to ``(H * W * deform_groups, C / deform_groups)``."""
    table = full_precision(image).permute(1, 2, 0).contiguous()
    return table.view(-1, table.shape[2] // conv.deform_groups)


def _parts(
    offset: Tensor, mask: Optional[Tensor], weight: Tensor, conv: Conv
) -> Iterator[Tuple[slice, Tensor, Optional[Tensor]]]:
    """Some positions of one image's output at a time: which, and copies of what belongs to them.

    Yields:
        Positions of ``P = oH * oW``; offsets ``(deform_groups, K, 2, positions)``; masks
        ``(deform_groups, K, positions)``, or None.
    """
    taps = weight.shape[2] * weight.shape[3]
    offset = offset.flatten(1).unflatten(0, (conv.deform_groups, taps, 2))
    if mask is not None:
        mask = mask.flatten(1).unflatten(0, (conv.deform_groups, taps))
    step = max(MOST_NUMBERS // 2 // (taps * weight.shape[1] * conv.groups), 1)
    for start in range(0, offset.shape[-1], step):
        part = slice(start, min(start + step, offset.shape[-1]))
        masks = None if mask is None else full_precision(mask[..., part]).detach().clone()
        yield part, full_precision(offset[..., part]).detach().clone(), masks


def _positions(
    offsets: Tensor, part: slice, out_width: int, kernel_width: int, conv: Conv
) -> Tuple[Tensor, Tensor]:
    """Where the taps sample, y and x in cells, ``(..., K, positions)``.

    Args:
        offsets: ``(..., K, 2, positions)``.
        part: The positions.
    """
    position = torch.arange(part.start, part.stop, device=offsets.device)
    tap = torch.arange(offsets.shape[-3], device=offsets.device)[:, None]
    y = position // out_width * conv.stride[0] - conv.padding[0]
    x = position % out_width * conv.stride[1] - conv.padding[1]
    y = y + tap // kernel_width * conv.dilation[0]
    x = x + tap % kernel_width * conv.dilation[1]
    return y + offsets[..., 0, :], x + offsets[..., 1, :]


def _is_inside(y: Tensor, x: Tensor, size: Sequence[int]) -> Tensor:
    """Less than a cell outside the map; what is not a number is not."""
    return (y > -1) & (y < size[0]) & (x > -1) & (x < size[1])


def outside(offset: Tensor, size: Sequence[int], kernel_shape: torch.Size, conv: Conv) -> Tensor:
    """Which offsets lead outside the map, where mmcv has no gradient; shaped like ``offset``.

    Args:
        offset: ``(N, deform_groups * K * 2, oH, oW)``.
        size: ``(H, W)`` of the map.
        kernel_shape: That of the weights.
    """
    taps = kernel_shape[2] * kernel_shape[3]
    offsets = offset.flatten(2).unflatten(1, (conv.deform_groups, taps, 2))
    part = slice(0, offsets.shape[-1])
    y, x = _positions(offsets, part, offset.shape[3], kernel_shape[3], conv)
    return (~_is_inside(y, x, size))[..., None, :].expand(offsets.shape).reshape(offset.shape)


def _corners(
    y: Tensor, x: Tensor, masks: Optional[Tensor], size: Sequence[int], conv: Conv
) -> Tuple[Tensor, Tensor]:
    """Rows of the table that are sampled, and their shares; ``(positions * K * groups, 4)``."""
    height, width = size
    inside = _is_inside(y, x, size)
    y, x = torch.where(inside, y, 0), torch.where(inside, x, 0)
    top, left = y.detach().floor(), x.detach().floor()
    down, right = y - top, x - left
    top, left = top.long(), left.long()
    factor = inside if masks is None else inside * masks
    group = torch.arange(conv.deform_groups, device=y.device)[:, None, None]
    all_cells, all_shares = [], []
    for row, row_share in ((top, 1 - down), (top + 1, down)):
        for column, column_share in ((left, 1 - right), (left + 1, right)):
            there = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            cell = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            all_cells.append(cell * conv.deform_groups + group)
            all_shares.append(row_share * column_share * (factor * there))
    # the deform groups last, as the table has them
    cells, shares = (torch.stack(each, 3).permute(2, 1, 0, 3) for each in (all_cells, all_shares))
    return cells.reshape(-1, 4), shares.reshape(-1, 4)


def _sample(table: Tensor, cells: Tensor, shares: Tensor) -> Tensor:
    """``(positions * K * deform_groups, C / deform_groups)``."""
    return F.embedding_bag(cells, table, per_sample_weights=shares, mode='sum')


def _spread(of_table: Tensor, cells: Tensor, shares: Tensor, of_columns: Tensor) -> None:
    """The transpose of :func:`_sample`: a row of the table is a bag of the columns it is in."""
    order = cells.flatten().argsort()
    uses = torch.bincount(cells.flatten(), minlength=len(of_table))
    start = uses.cumsum(0) - uses
    of_table += F.embedding_bag(
        order // 4, of_columns, start, per_sample_weights=shares.flatten()[order], mode='sum'
    )


def _grouped(columns: Tensor, conv: Conv, positions: int) -> Tensor:
    """``(groups, positions, K * C / groups)``."""
    columns = columns.view(positions, -1, columns.shape[1] * conv.deform_groups)
    columns = columns.unflatten(2, (conv.groups, -1))
    return columns.permute(2, 0, 1, 3).flatten(2)


def _ungrouped(columns: Tensor, conv: Conv, like: Tensor) -> Tensor:
    """Undo :func:`_grouped`."""
    groups = len(columns)
    channels = like.shape[1] * conv.deform_groups // groups
    return columns.unflatten(2, (-1, channels)).permute(1, 2, 0, 3).reshape(like.shape)
