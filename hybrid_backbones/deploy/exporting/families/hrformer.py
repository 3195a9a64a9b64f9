"""HRFormer for any size: paddings and resizes are always there."""

from typing import Tuple

import torch.nn.functional as F
from torch import Tensor

from ....backbones.hrformer import WindowAttention
from ....backbones.hrformer_streams import Upsample
from ....layers import ConvBNAct, window_partition, window_unpartition


class AnySizeWindowAttention(WindowAttention):
    """Pads always, all sides at once."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        rows, cols = ((side + self.window - 1) // self.window for side in (height, width))
        bottom, right = rows * self.window - height, cols * self.window - width
        top, left = bottom // 2, right // 2
        x = F.pad(x, (0, 0, left, right - left, top, bottom - top))
        tokens, grid = window_partition(x, self.window)
        tokens = self.attn(tokens, self._bias())
        x = window_unpartition(tokens, self.window, grid, x.shape[1:3])
        return x[:, top : top + height, left : left + width]


class AnySizeUpsample(Upsample):
    """Resizes always; to the size that is there already it changes nothing."""

    def forward(  # type: ignore[override]  # never called as the class that it shares layers with
        self, x: Tensor, size: Tuple[int, int]
    ) -> Tensor:
        x = F.interpolate(ConvBNAct.forward(self, x), scale_factor=self.factor, **self.by_factor)
        return F.interpolate(x, size=size, **self.to_size)


VARIANTS = (AnySizeUpsample, AnySizeWindowAttention)
