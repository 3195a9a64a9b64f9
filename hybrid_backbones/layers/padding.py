"""Zero padding at right and bottom."""

from typing import Tuple

import torch.nn.functional as F
from torch import Tensor

from .tracing import is_compiling


def pad_to_multiple(x: Tensor, multiple: int, dims: Tuple[int, int] = (2, 3)) -> Tensor:
    """Zero-pad the two dimensions ``dims`` at their end up to a multiple; no copy if none is due.

    Args:
        x: ``(N, C, H, W)``, or ``(N, H, W, C)`` with ``dims=(1, 2)``.
        multiple: What both sizes shall be divisible by, in positions.
        dims: Which dimensions are H and W.
    """
    wholes = ((x.shape[dim] + multiple - 1) // multiple * multiple for dim in dims)
    bottom, right = (whole - x.shape[dim] for whole, dim in zip(wholes, dims))
    # to ask would make a graph for each answer, of which images of many sizes give many
    if not is_compiling() and not bottom and not right:
        return x
    inner = (0, 0) * (x.dim() - 1 - dims[1])  # F.pad counts from the last dimension
    return F.pad(x, (*inner, 0, right, 0, bottom))
