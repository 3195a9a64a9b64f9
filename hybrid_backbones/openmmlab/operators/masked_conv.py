"""Convolution at chosen positions only: taking their windows out, and putting results in."""

import torch.nn.functional as F
from torch import Tensor

from .common import operator


@operator
def masked_im2col_forward(
    im: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    col: Tensor,
    kernel_h: int,
    kernel_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """Fill ``col``, ``(C * kernel_h * kernel_w, M)``, with the windows of ``M`` positions.

    Args:
        im: ``(1, C, H, W)``.
        mask_h_idx: ``(M,)`` rows of the positions.
        mask_w_idx: ``(M,)`` columns.
    """
    padded = F.pad(im[0], (pad_w, pad_w, pad_h, pad_h))
    windows = col.view(len(padded), kernel_h, kernel_w, -1)
    for i in range(kernel_h):
        for j in range(kernel_w):
            windows[:, i, j] = padded[:, mask_h_idx + i, mask_w_idx + j]


@operator
def masked_col2im_forward(
    col: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    im: Tensor,
    height: int,
    width: int,
    channels: int,
) -> None:
    """Put ``col``, ``(channels, M)``, at ``M`` positions of ``im``."""
    im[0][:, mask_h_idx, mask_w_idx] = col.to(im.dtype)
