"""TransXNet's relative position encoding, for any size of image."""

from typing import Any, Dict, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import LowRankBias, needs_graph
from ..layers.gpu import runs_on_gpu

# Numbers; a larger one stays in two factors. With them attention takes twice the time on a CPU; on
# a GPU they let FlashAttention run, which takes no bias, and no tensor of that size is written.
LARGEST_BIAS = 2**28
LARGEST_BIAS_OF_GPU = 2**21

Bias = Union[Tensor, LowRankBias]


class RelPosEncoding(nn.Module):
    """What a stage adds to its attention scores, stored for 224 pixels and resized to others.

    As published, queries by keys are resized as one flat image, not along the image's axes. Where
    no gradient is wanted, a CPU keeps the last result beside the table it came from: all images of
    one size share it until the table's values are others, however they were written. A GPU would
    have to be waited for to compare them, and what it resizes is small: large ones, of images with
    more than about two million pixels on a CPU, stay in two factors.
    """

    def __init__(self, heads: int, side: int, reduction: int):
        super().__init__()
        self.reduction = reduction
        self.table = nn.Parameter(torch.zeros(1, heads, side**2, (side // reduction) ** 2))
        self._kept: Optional[Tuple[Tuple[Any, ...], Tensor, Tensor]] = None

    def forward(self, height: int, width: int) -> Bias:
        """``(1, heads, H * W, keys)`` for a map of ``height`` by ``width`` positions."""
        size = self.size_for(height, width)
        table = self.table
        if size == tuple(table.shape[2:]):
            return table
        on_gpu = runs_on_gpu(table)
        if table.shape[1] * size[0] * size[1] > (LARGEST_BIAS_OF_GPU if on_gpu else LARGEST_BIAS):
            return resize_factored(table, size)
        if needs_graph() or table.is_inference() or on_gpu:
            return resize_table(table, size)
        key = (size, table.dtype, table.device, torch.is_inference_mode_enabled())
        kept = self._kept  # read once: another thread may replace it
        if kept is None or kept[0] != key or not torch.equal(kept[1], table):
            kept = self._kept = key, table.clone(), resize_table(table, size)
        return kept[2]

    def size_for(self, height: int, width: int) -> Tuple[int, int]:
        """Queries and keys of a map of ``height`` by ``width`` positions."""
        # rounded up without negative numbers, which ONNX divides towards 0
        rows, columns = ((side - 1) // self.reduction + 1 for side in (height, width))
        return height * width, rows * columns

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, '_kept': None}  # copies and pickles make their own


def resize_table(table: Tensor, size: Tuple[int, int]) -> Tensor:
    """``(1, heads, queries, keys)`` to another number of queries and keys."""
    # contiguous, whatever format a model was brought to: attention would copy it in every block
    return F.interpolate(table.contiguous(), size=size, mode='bicubic', align_corners=False)


def resize_factored(table: Tensor, size: Tuple[int, int]) -> LowRankBias:
    """:func:`resize_table` as factors: what resizes an image's columns is a matrix of its own."""
    keys = table.shape[3]
    columns = torch.eye(keys, device=table.device, dtype=table.dtype)[None, None]
    return LowRankBias(
        resize_table(table, (size[0], keys)),
        resize_table(columns, (keys, size[1]))[0, 0].transpose(0, 1),
    )
