"""PSAMask (Zhao et al., PSANet, 2018): relative attention maps laid out at absolute positions."""

from typing import Tuple

import torch
from torch import Tensor

from .common import operator

COLLECT = 0  # mmcv's number; distribute is 1


@operator
def psamask_forward(
    input: Tensor,
    output: Tensor,
    psa_type: int,
    num_: int,
    h_feature: int,
    w_feature: int,
    h_mask: int,
    w_mask: int,
    half_h_mask: int,
    half_w_mask: int,
) -> None:
    """Fill ``output``; the position ``(y, x)`` looks at ``(y + i, x + j) - half``.

    Args:
        input: ``(N, h_mask * w_mask, H, W)``, at each position its map over relative ones.
        output: ``(N, H * W, H, W)``. Collecting: what the position in the last two dimensions
            takes from that in the second. Distributing: the other way round.
    """
    rows, row_there = _relative(h_feature, h_mask, half_h_mask, input.device)
    columns, column_there = _relative(w_feature, w_mask, half_w_mask, input.device)
    maps = input.view(num_, h_mask, w_mask, h_feature, w_feature)
    laid_out = _as_collected(output, psa_type, h_feature, w_feature)
    y = torch.arange(h_feature, device=input.device)
    x = torch.arange(w_feature, device=input.device)
    for target in range(h_feature):  # a row at a time, to bound memory
        # (N, W, H, W): column of the target, row and column of the position that looks
        taken = maps[:, rows[target][None, :, None], columns[:, None, :], y[:, None], x]
        there = row_there[target][None, :, None] & column_there[:, None, :]
        laid_out[:, target] = taken * there


@operator
def psamask_backward(
    grad_output: Tensor,
    grad_input: Tensor,
    psa_type: int,
    num_: int,
    h_feature: int,
    w_feature: int,
    h_mask: int,
    w_mask: int,
    half_h_mask: int,
    half_w_mask: int,
) -> None:
    """Fill ``grad_input``; the rest as in the forward pass."""
    maps = grad_input.view(num_, h_mask, w_mask, h_feature, w_feature)
    laid_out = _as_collected(grad_output, psa_type, h_feature, w_feature)
    y = torch.arange(h_feature, device=grad_output.device)
    x = torch.arange(w_feature, device=grad_output.device)
    column = torch.arange(w_mask, device=x.device)[:, None] + x - half_w_mask
    column_there = (column >= 0) & (column < w_feature)
    for i in range(h_mask):
        row = i + y - half_h_mask
        row_there = (row >= 0) & (row < h_feature)
        at_row = row.clamp(0, h_feature - 1)[None, :, None]
        at_column = column.clamp(0, w_feature - 1)[:, None, :]
        taken = laid_out[:, at_row, at_column, y[:, None], x]
        maps[:, i] = taken * (row_there[:, None] & column_there[:, None, :])


def _relative(size: int, mask: int, half: int, device: torch.device) -> Tuple[Tensor, Tensor]:
    """Entry of the mask by which the second position looks at the first, and if there is one."""
    position = torch.arange(size, device=device)
    entry = position[:, None] - position + half
    return entry.clamp(0, mask - 1), (entry >= 0) & (entry < mask)


def _as_collected(maps: Tensor, psa_type: int, height: int, width: int) -> Tensor:
    """``(N, H, W, H, W)``: first the position that is looked at, then the one that looks."""
    maps = maps.view(len(maps), height, width, height, width)
    return maps if psa_type == COLLECT else maps.permute(0, 3, 4, 1, 2)
