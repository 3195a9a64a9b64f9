"""Modules that compute the same in one graph for all image sizes, for torch.export.

In the backbones some steps are left out where a size does not need them, or are done as a
processor likes them best. A graph that is recorded once has to do without such questions.
"""

from typing import Dict, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...backbones.hrformer import WindowAttention
from ...backbones.hrformer_streams import Upsample
from ...backbones.rel_pos_encoding import RelPosEncoding
from ...backbones.transxnet import KERNEL, DynamicConv
from ...layers import ConvBNAct, SelfAttention, window_partition, window_unpartition
from ..subclass import as_subclass


class AnySizeWindowAttention(WindowAttention):
    """HRFormer's: pads always, all sides at once."""

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


class AnySizeSelfAttention(SelfAttention):
    """Takes no order in memory for granted: torch's implementations of attention differ in theirs.

    A graph notes a view of what one of them returns, and may be run, or exported, with another.
    """

    def _join(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2).clone(memory_format=torch.contiguous_format)
        return self.proj(x.flatten(2))


class AnySizeUpsample(Upsample):
    """HRFormer's: resizes always; to the size that is there already it changes nothing."""

    def forward(  # type: ignore[override]  # never called as the class that it shares layers with
        self, x: Tensor, size: Tuple[int, int]
    ) -> Tensor:
        x = F.interpolate(ConvBNAct.forward(self, x), scale_factor=self.factor, **self.by_factor)
        return F.interpolate(x, size=size, **self.to_size)


class AnySizeDynamicConv(DynamicConv):
    """TransXNet's: pools by matrix products, and convolves image by image."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        pooled = _means(height, x) @ x @ _means(width, x).transpose(0, 1)
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


def _means(size: int, x: Tensor) -> Tensor:
    """Adaptive pooling of ``size`` positions as a matrix ``(KERNEL, size)``."""
    bins = torch.arange(KERNEL, device=x.device)[:, None]
    positions = torch.arange(size, device=x.device)
    begins = bins * size // KERNEL <= positions
    ends = positions * KERNEL < (bins + 1) * size
    inside = (begins & ends).to(x.dtype)
    return inside / inside.sum(1, keepdim=True)


class AnySizeRelPosEncoding(RelPosEncoding):
    """TransXNet's: resizes always; at the size that it is stored for that changes nothing."""

    def forward(self, height: int, width: int) -> Tensor:
        keys = [(side - 1) // self.reduction + 1 for side in (height, width)]
        size = (height * width, keys[0] * keys[1])
        return F.interpolate(self.table, size=size, mode='bicubic', align_corners=False)


VARIANTS: Dict[type, type] = {
    base: variant
    for variant in (
        AnySizeDynamicConv,
        AnySizeRelPosEncoding,
        AnySizeSelfAttention,
        AnySizeUpsample,
        AnySizeWindowAttention,
    )
    for base in variant.__bases__
}


def for_any_size(module: nn.Module) -> nn.Module:
    """The same with modules that do not ask for sizes; weights and their names stay.

    Args:
        module: Taken over: its children are replaced **in place**, each once, however many parents
            it has.
    """
    return _replace(module, {})


def _replace(module: nn.Module, done: Dict[nn.Module, nn.Module]) -> nn.Module:
    if module not in done:
        for name, child in module._modules.items():  # named_children leaves out second names
            if child is not None:
                setattr(module, name, _replace(child, done))
        variant = VARIANTS.get(type(module))
        done[module] = as_subclass(module, variant) if variant else module
    return done[module]
