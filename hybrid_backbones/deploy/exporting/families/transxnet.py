"""TransXNet for any size and batch: no pooling by sizes, no groups that depend on the batch."""

from typing import Tuple

import torch.nn.functional as F
from torch import Tensor, nn

from ....backbones.rel_pos_encoding import RelPosEncoding, resize_factored
from ....backbones.transxnet import KERNEL, DynamicConv
from ....layers import LowRankBias
from ..pooling import bin_means


class AnySizeDynamicConv(DynamicConv):
    """Pools by matrix products, and convolves image by image."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows, columns = (bin_means(KERNEL, side, x) for side in (height, width))
        pooled = rows @ x @ columns.transpose(0, 1)
        kernel = (self._choose(pooled) * self.weight).sum(1)
        bias = (self._choose(x.mean((2, 3), keepdim=True)).flatten(2) * self.bias).sum(1)
        return _conv_each(x, kernel, bias)


def _conv_each(x: Tensor, kernels: Tensor, biases: Tensor) -> Tensor:
    """Depthwise convolution of each image with kernels of its own.

    ONNX's convolution knows no number of groups that depends on the batch; its Scan goes through
    the batch.

    Args:
        x: ``(N, C, H, W)``.
        kernels: ``(N, C, k, k)``.
        biases: ``(N, C)``.
    """
    from torch._higher_order_ops.scan import scan  # new in torch, and torch names no public one

    dim, padding = x.shape[1], kernels.shape[2] // 2

    def one(carry: Tensor, images: Tuple[Tensor, Tensor, Tensor]) -> Tuple[Tensor, Tensor]:
        image, kernel, bias = images
        out = F.conv2d(image[None], kernel[:, None], bias, padding=padding, groups=dim)
        return carry.clone(), out[0].clone()

    return scan(one, x.new_zeros(1), (x, kernels, biases))[1]


class AnySizeRelPosEncoding(RelPosEncoding):
    """Resizes always, at the size that it is stored for without a change.

    By its factors: runtimes multiply matrices a good deal faster than they resize large ones.
    """

    def forward(self, height: int, width: int) -> Tensor:
        return resize_factored(self.table, self.size_for(height, width)).product()


class FixedRelPosEncoding(nn.Module):
    """A :class:`RelPosEncoding` for one size of map, resized: its two factors.

    Their product is left to who runs it, since it is many times as large.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, encoding: RelPosEncoding, height: int, width: int):
        super().__init__()
        rows, columns = resize_factored(encoding.table, encoding.size_for(height, width))
        self.register_buffer('rows', rows)
        self.register_buffer('columns', columns)

    def forward(self, height: int, width: int) -> Tensor:
        """``(1, heads, H * W, keys)``, whatever is asked for."""
        return LowRankBias(self.rows, self.columns).product()


VARIANTS = (AnySizeDynamicConv, AnySizeRelPosEncoding)
CONSTANTS = {RelPosEncoding: FixedRelPosEncoding}
