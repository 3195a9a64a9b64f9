"""TransXNet: Learning Both Global and Local Dynamics with a Dual Dynamic Token Mixer (Lou et al.
2023).

Paper: https://arxiv.org/abs/2310.19380. In every block one half of the channels goes through a
convolution whose kernel depends on the input, the other through attention on reduced keys and
values (section 3).
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from ..errors import BatchTooSmallError
from ..layers import (
    BatchNorm2d,
    BlockStage,
    ConvBNAct,
    DropPath,
    GroupNorm,
    LowRankBias,
    ResidualDWConv,
    ScaledDotProductAttention,
    apply_in_tiles,
    depthwise_conv2d,
    drop_path_rates,
    prefers_channels_last,
)
from ..layers.fused_attention import align_bias
from ..layers.gpu import runs_on_gpu
from ..registry import MODELS
from .base import HybridBackbone
from .rel_pos_encoding import Bias, RelPosEncoding, resize_table

NORM_EPS = 1e-5
LAYER_SCALE_INIT = 1e-5
REDUCTIONS = (8, 4, 2, 1)  # of keys and values, in each stage
KERNEL = 7  # of the dynamic convolution
TRAINED_SIZE = 224  # pixels; the relative position encodings are stored for it
FFN_KERNELS = (1, 3, 5, 7)
LARGE_MAP = 256  # positions from which on depthwise convolutions are faster in channels_last


@dataclass(frozen=True)
class TransXNetArch:
    """What tells one TransXNet from another; each field has one entry for each stage.

    Args:
        depths: Blocks.
        dims: Channels.
        heads: Attention heads, on half of the channels.
        groups: Kernels among which the dynamic convolution chooses.
        mlp_ratios: Hidden channels of the feed-forward networks, as a multiple of ``dims``.
    """

    depths: Tuple[int, int, int, int]
    dims: Tuple[int, int, int, int]
    heads: Tuple[int, int, int, int]
    groups: Tuple[int, int, int, int]
    mlp_ratios: Tuple[int, int, int, int]


class DynamicConv(nn.Module):
    """Input-dependent depthwise convolution, IDConv (section 3.2).

    Attention over ``groups`` kernels, for each channel and each position of the kernel, is
    computed from the input pooled to the kernel's size.
    """

    def __init__(self, dim: int, groups: int):
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(groups, dim, KERNEL, KERNEL))
        self.bias = nn.Parameter(torch.empty(groups, dim))
        self.squeeze = ConvBNAct(dim, dim // 4, act='gelu')
        self.expand = nn.Conv2d(dim // 4, dim * groups, 1)
        nn.init.trunc_normal_(self.weight, std=0.02)
        nn.init.trunc_normal_(self.bias, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        n, dim, height, width = x.shape
        norm = self.squeeze.bn
        alone = isinstance(norm, _BatchNorm) and not isinstance(norm, SyncBatchNorm)
        if n == 1 and alone and norm.training:
            raise BatchTooSmallError(
                'TransXNet trains with at least 2 images on a device, or with norm_eval=True: '
                'its dynamic convolution normalises one value of each image over the batch'
            )
        kernel = (self._choose(F.adaptive_avg_pool2d(x, KERNEL)) * self.weight).sum(1)
        bias = (self._choose(x.mean((2, 3), keepdim=True)).flatten(2) * self.bias).sum(1)
        # each image has kernels of its own: images become groups of channels
        channels_last = prefers_channels_last(x) and height * width >= LARGE_MAP
        if channels_last:
            maps = x.permute(2, 3, 0, 1).reshape(1, height, width, n * dim).permute(0, 3, 1, 2)
        else:
            maps = x.reshape(1, n * dim, height, width)
        out = depthwise_conv2d(
            maps,
            kernel.reshape(n * dim, 1, KERNEL, KERNEL).to(x.dtype),
            bias.flatten().to(x.dtype),
        )
        if n == 1:  # a view of it would have strides by which torch.cat knows no layout
            return out
        out = out.view(n, dim, height, width)
        return out.contiguous(memory_format=torch.channels_last) if channels_last else out

    def _choose(self, pooled: Tensor) -> Tensor:
        """``(N, dim, h, w) -> (N, groups, dim, h, w)``, of sum 1 over the groups."""
        return self.expand(self.squeeze(pooled)).unflatten(1, (self.groups, -1)).softmax(1)


class ReducedAttention(nn.Module):
    """Overlapping spatial reduction attention, OSRA (section 3.3). It has no output projection.

    Args:
        dim: Channels in and out.
        heads: Must divide ``dim``.
        reduction: Factor by which the map of keys and values is smaller, on each side.
    """

    def __init__(self, dim: int, heads: int, reduction: int):
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f'heads must divide half of the width, {dim}, got {heads}')
        self.heads = heads
        self.head_dim = dim // heads
        self.scale = self.head_dim**-0.5
        self.q = nn.Conv2d(dim, dim, 1)
        self.kv = nn.Conv2d(dim, 2 * dim, 1)
        self.reduce = nn.Sequential()
        if reduction > 1:
            self.reduce.append(
                ConvBNAct(dim, dim, reduction + 3, stride=reduction, groups=dim, act='gelu')
            )
            self.reduce.append(ConvBNAct(dim, dim, groups=dim, act=None))
        self.local = ResidualDWConv(dim, 3)
        self.attend = ScaledDotProductAttention()

    def forward(self, x: Tensor, bias: Bias) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``; ``bias`` as of :class:`RelPosEncoding`."""
        k, v = self.kv(self.local(self.reduce(x))).chunk(2, dim=1)
        q, k, v = (self._heads(each) for each in (self.q(x), k, v))
        if isinstance(bias, LowRankBias):
            out = bias.attend(self.attend, q, k, v, self.scale)
        else:
            out = self.attend(q, k, v, bias, scale=self.scale)
        out = out[..., : self.head_dim]  # folding may have padded the heads for a GPU
        # by way of channels last, as fused attention leaves it
        out = out.transpose(1, 2).reshape(x.shape[0], *x.shape[2:], -1)
        return out.permute(0, 3, 1, 2)

    def _heads(self, x: Tensor) -> Tensor:
        """``(N, dim, h, w) -> (N, heads, h * w, dim / heads)``."""
        return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)


class TokenMixer(nn.Module):
    """Local dynamics for one half of the channels, global ones for the other, D-Mixer (3.1).

    Then a squeezed enhancement of both (section 3.1, STE).
    """

    def __init__(self, dim: int, heads: int, groups: int, reduction: int):
        super().__init__()
        self.local = DynamicConv(dim // 2, groups)
        self.attn = ReducedAttention(dim // 2, heads, reduction)
        inner = max(16, dim // 8)
        self.dwconv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.norm1 = BatchNorm2d(dim)
        self.squeeze = nn.Conv2d(dim, inner, 1)
        self.norm2 = BatchNorm2d(inner)
        self.expand = nn.Conv2d(inner, dim, 1)
        self.norm3 = BatchNorm2d(dim)
        self.act = nn.GELU()
        self.shortcut: nn.Module = nn.Identity()  # where folding puts a layer scale that follows

    def forward(self, x: Tensor, bias: Bias) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``; ``bias`` as of :class:`RelPosEncoding`."""
        first, second = x.chunk(2, dim=1)
        x = torch.cat([self.local(first), self.attn(second, bias)], dim=1)
        y = self.norm1(self.act(self.dwconv(x)))
        y = self.norm2(self.act(self.squeeze(y)))
        return self.shortcut(x) + self.norm3(self.expand(y))


class MultiScaleMlp(nn.Module):
    """Feed-forward network with depthwise convolutions of four sizes inside, MS-FFN (3.4)."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.ratio = hidden / dim
        rest = hidden // len(FFN_KERNELS)
        self.parts = [hidden - rest * (len(FFN_KERNELS) - 1), *[rest] * (len(FFN_KERNELS) - 1)]
        self.fc1 = nn.Conv2d(dim, hidden, 1, bias=False)
        self.norm1 = BatchNorm2d(hidden)
        self.dwconv = nn.ModuleList(
            ResidualDWConv(part, kernel) for part, kernel in zip(self.parts, FFN_KERNELS)
        )
        self.norm2 = BatchNorm2d(hidden)
        self.fc2 = nn.Conv2d(hidden, dim, 1, bias=False)
        self.norm3 = BatchNorm2d(dim)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        if self.norm1.training:  # its statistics are those of whole maps
            return self._run(x)
        return apply_in_tiles(self._run, x, dim=2, ratio=2 * self.ratio, halo=max(FFN_KERNELS) // 2)

    def _run(self, x: Tensor) -> Tensor:
        x = self.norm1(self.act(self.fc1(x)))
        parts = x.split(self.parts, dim=1)
        x = torch.cat([conv(part) for conv, part in zip(self.dwconv, parts)], dim=1)
        return self.norm3(self.fc2(self.norm2(self.act(x))))


class ChannelAffine(nn.Module):
    """A learnt scale and shift of each channel; this family's layer scale has a shift."""

    def __init__(self, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.full((dim, 1, 1, 1), LAYER_SCALE_INIT))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return x * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


class Block(nn.Module):
    """Position encoding, token mixer and feed-forward network (section 3.5)."""

    def __init__(
        self, dim: int, heads: int, groups: int, reduction: int, mlp_ratio: int, drop_path: float
    ):
        super().__init__()
        self.pos_embed = ResidualDWConv(dim, 7)
        self.norm1 = GroupNorm(1, dim, eps=NORM_EPS)
        self.mixer = TokenMixer(dim, heads, groups, reduction)
        self.norm2 = GroupNorm(1, dim, eps=NORM_EPS)
        self.mlp = MultiScaleMlp(dim, int(dim * mlp_ratio))
        self.scale1, self.scale2 = ChannelAffine(dim), ChannelAffine(dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, bias: Bias) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``; ``bias`` as of :class:`RelPosEncoding`."""
        x = self.pos_embed(x)
        x = self.drop_path.add(x, self.scale1(self.mixer(self.norm1(x), bias)))
        return self.drop_path.add(x, self.scale2(self.mlp(self.norm2(x))))


class BiasedStage(BlockStage):
    """Downsampling, the position encoding that all blocks share, and blocks."""

    def __init__(
        self,
        downsample: nn.Module,
        rel_pos: RelPosEncoding,
        blocks: Sequence[nn.Module],
        num_checkpointed: int,
    ):
        super().__init__()
        self.downsample = downsample
        self.rel_pos = rel_pos
        self.blocks = nn.ModuleList(blocks)
        self.num_checkpointed = num_checkpointed

    def forward(self, x: Tensor) -> Tensor:
        """The previous level's map to this one's, both ``(N, C, H, W)``."""
        x = self.downsample(x)
        # under autocast x has its dtype here: cast once, not in every block
        bias = self.rel_pos(*x.shape[2:]).to(x.dtype)
        if not isinstance(bias, LowRankBias) and runs_on_gpu(x):
            bias = align_bias(bias)  # once here, too
        for i in range(len(self.blocks)):
            x = self.run_block(i, x, bias=bias)
        return x


@MODELS.register_module()
class TransXNet(HybridBackbone):
    """TransXNet as a dense backbone (section 4.2).

    Args:
        arch: Name out of ``TransXNet.archs``, or the fields of :class:`TransXNetArch`.
        out_indices: Levels to return, rising.
        drop_path_rate: Of the last block; earlier blocks have linearly less.
        frozen_stages, norm_eval, with_cp, init_cfg, in_channels: see :class:`HybridBackbone`.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is. Or, in
            training, a device has one image alone.

    Example:
        >>> import torch
        >>> from hybrid_backbones import TransXNet
        >>> backbone = TransXNet('t').eval()
        >>> [tuple(level.shape) for level in backbone(torch.rand(1, 3, 100, 150))]
        [(1, 48, 25, 38), (1, 96, 13, 19), (1, 224, 7, 10), (1, 448, 4, 5)]
    """

    block_types = (Block,)
    min_images_per_device = 2  # its dynamic convolutions have BatchNorm on pooled maps of 1x1

    def __init__(
        self,
        arch: Union[str, Dict[str, Any], TransXNetArch] = 't',
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: Union[bool, Sequence[int]] = False,
        init_cfg: Optional[Dict[str, Any]] = None,
        in_channels: int = 3,
    ):
        super().__init__(
            arch, out_indices, frozen_stages, norm_eval, with_cp, init_cfg, in_channels
        )
        dims = self.arch.dims
        rates = drop_path_rates(drop_path_rate, self.arch.depths)
        self.stem = ConvBNAct(in_channels, dims[0], 7, stride=4, act=None)
        self.stages = nn.ModuleList(self._stage(i, rates[i]) for i in range(self.num_stages))
        self.out_norms = nn.ModuleDict(
            {str(i): GroupNorm(1, dims[i], eps=NORM_EPS) for i in self.out_indices}
        )
        self.out_channels = tuple(dims[i] for i in self.out_indices)
        self.apply(_init_published)
        self.train()

    def _stage(self, index: int, rates: List[float]) -> BiasedStage:
        arch, dim, reduction = self.arch, self.arch.dims[index], REDUCTIONS[index]
        downsample: nn.Module = nn.Identity()
        if index:
            downsample = ConvBNAct(arch.dims[index - 1], dim, 3, stride=2, act=None)
        heads, groups, ratio = arch.heads[index], arch.groups[index], arch.mlp_ratios[index]
        rel_pos = RelPosEncoding(heads, TRAINED_SIZE // (4 * 2**index), reduction)
        blocks = [Block(dim, heads, groups, reduction, ratio, rate) for rate in rates]
        return BiasedStage(downsample, rel_pos, blocks, self.num_checkpointed(index))

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        outs = []
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in self.out_indices:
                outs.append(self.normalise_level(i, x))
        return tuple(outs)

    def resize_pretrained(self, name: str, value: Tensor) -> Tensor:
        """Resize position encodings that were stored for another image size, as for images."""
        if not name.endswith('.rel_pos.table') or value.dim() != 4:
            return value
        size = self.get_parameter(name).shape[2:]
        return value if value.shape[2:] == size else resize_table(value.float(), tuple(size))


def _init_published(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, ResidualDWConv)):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


TransXNet.archs = {
    't': TransXNetArch(
        depths=(3, 3, 9, 3),
        dims=(48, 96, 224, 448),
        heads=(1, 2, 4, 8),
        groups=(2, 2, 2, 2),
        mlp_ratios=(4, 4, 4, 4),
    ),
    's': TransXNetArch(
        depths=(4, 4, 12, 4),
        dims=(64, 128, 320, 512),
        heads=(1, 2, 5, 8),
        groups=(2, 2, 3, 4),
        mlp_ratios=(6, 6, 4, 4),
    ),
    'b': TransXNetArch(
        depths=(4, 4, 21, 4),
        dims=(76, 152, 336, 672),
        heads=(2, 4, 8, 16),
        groups=(2, 2, 4, 4),
        mlp_ratios=(8, 8, 4, 4),
    ),
}
