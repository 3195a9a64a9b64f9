"""TransXNet for any size and batch: no pooling by sizes, no groups that depend on the batch."""

from typing import Tuple

import torch.nn.functional as F
from torch import Tensor

from ....backbones.rel_pos_encoding import RelPosEncoding
from ....backbones.transxnet import KERNEL, DynamicConv
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
    """Resizes always; at the size that it is stored for that changes nothing."""

    def forward(self, height: int, width: int) -> Tensor:
        keys = [(side - 1) // self.reduction + 1 for side in (height, width)]
        size = (height * width, keys[0] * keys[1])
        return F.interpolate(self.table, size=size, mode='bicubic', align_corners=False)


VARIANTS = (AnySizeDynamicConv, AnySizeRelPosEncoding)
