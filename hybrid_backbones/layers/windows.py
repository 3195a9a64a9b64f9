"""Cutting a map into square windows and putting it together again."""

from typing import Sequence, Tuple

from torch import Tensor

from .padding import pad_to_multiple


def window_partition(x: Tensor, size: int) -> Tuple[Tensor, Tuple[int, int]]:
    """Cut a channels-last map into non-overlapping windows, zero-padded at right and bottom.

    Args:
        x: ``(N, H, W, C)``.
        size: Side of a window in positions.

    Returns:
        Windows as sequences ``(N * rows * cols, size * size, C)``, and ``(rows, cols)``.
    """
    x = pad_to_multiple(x, size, dims=(1, 2))
    n, h, w, c = x.shape
    rows, cols = h // size, w // size
    x = x.reshape(n, rows, size, cols, size, c).transpose(2, 3)
    return x.reshape(n * rows * cols, size * size, c), (rows, cols)


def window_unpartition(x: Tensor, size: int, grid: Tuple[int, int], shape: Sequence[int]) -> Tensor:
    """Undo :func:`window_partition`, dropping the padding.

    Args:
        x: ``(N * rows * cols, size * size, C)``.
        size: Side of a window in positions.
        grid: ``(rows, cols)``.
        shape: ``(H, W)`` of the map before padding.

    Returns:
        ``(N, H, W, C)``.
    """
    rows, cols = grid
    x = x.reshape(-1, rows, cols, size, size, x.shape[-1]).transpose(2, 3)
    x = x.reshape(x.shape[0], rows * size, cols * size, x.shape[-1])
    return x[:, : shape[0], : shape[1]]
