"""The memory that training takes, as text for a terminal."""

from typing import List, Optional, Tuple, Union

from mmengine.config import Config

from ...utils.text import aligned_columns
from .estimate import GIB, PRECISIONS, training_memory, training_size

Cell = Union[str, int]  # a number is of bytes


def summary(
    name: str, cfg: Config, size: Optional[Tuple[int, int]], batch: int, with_cp: Optional[bool]
) -> str:
    """What takes how much, in both precisions."""
    found = [training_memory(cfg, size, batch, p, with_cp) for p in PRECISIONS]
    height, width = size or training_size(cfg)
    how = ', all blocks recomputed' if with_cp else ''
    rows: List[Tuple[Cell, ...]] = [
        (f'{name}: {batch} x {height}x{width}{how}', 'fp32', 'bf16'),
        ('weights', *(m.weights for m in found)),
        ('gradients', *(m.gradients for m in found)),
        ('optimizer state', *(m.averages for m in found)),
        ('activations (backbone)', *(m.backbone for m in found)),
        ('activations (neck, heads)', *(m.rest for m in found)),
        ('total (GiB)', *(m.total for m in found)),
    ]
    return aligned_columns([[_gib(cell) for cell in row] for row in rows], 'lrr')


def _gib(value: Cell) -> str:
    return value if isinstance(value, str) else f'{value / GIB:.2f}'
