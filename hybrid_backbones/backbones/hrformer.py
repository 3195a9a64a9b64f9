"""HRFormer: High-Resolution Transformer for Dense Prediction (Yuan et al. 2021).

Paper: https://arxiv.org/abs/2110.09408. HRNet's parallel streams of strides 4 to 32, whose blocks
are local-window self-attention and an MLP with a depthwise convolution (section 3).
"""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import (
    BatchNorm2d,
    ConvBNAct,
    DropPath,
    LayerNorm2d,
    SelfAttention,
    Stage,
    apply_in_tiles,
    drop_path_rates,
    is_compiling,
    window_partition,
    window_unpartition,
)
from ..layers.fused_attention import BIAS_ROW
from ..registry import MODELS
from .base import NUM_LEVELS, HybridBackbone
from .hrformer_streams import UPSAMPLING, HRModule, HRStage

NORM_EPS = 1e-6  # of every LayerNorm
STEM_DIM, FIRST_DIM = 64, 256  # channels of the stem, and of the first, convolutional stage
PUBLISHED_WINDOW = 7


@dataclass(frozen=True)
class HRFormerArch:
    """What tells one HRFormer from another.

    Args:
        width: Channels of the finest stream; each coarser one has twice as many.
        modules: Modules of stages 2, 3 and 4. A module fuses the streams once.
        heads: Attention heads of each stream.
        depth: Blocks of a module in each stream.
        mlp_ratio: Hidden channels of the MLPs, as a multiple of the stream's.
    """

    width: int
    modules: Tuple[int, int, int] = (1, 4, 2)
    heads: Tuple[int, int, int, int] = (1, 2, 4, 8)
    depth: int = 2
    mlp_ratio: float = 4.0


class Bottleneck(nn.Module):
    """ResNet's bottleneck, of which the first stage is made."""

    def __init__(self, in_dim: int):
        super().__init__()
        inner = FIRST_DIM // 4
        self.conv1 = ConvBNAct(in_dim, inner, 1)
        self.conv2 = ConvBNAct(inner, inner, 3)
        self.conv3 = ConvBNAct(inner, FIRST_DIM, 1, act=None)
        same = in_dim == FIRST_DIM
        self.downsample = nn.Identity() if same else ConvBNAct(in_dim, FIRST_DIM, 1, act=None)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_dim, H, W) -> (N, 256, H, W)``."""
        return F.relu_(self.conv3(self.conv2(self.conv1(x))).add_(self.downsample(x)))


class WindowAttention(nn.Module):
    """Self-attention inside windows, with a learnt bias for each relative position (section 3.1).

    The map is zero-padded to whole windows on all sides alike; the padding takes part.

    Args:
        dim: Channels in and out.
        heads: Must divide ``dim``.
        window: Side of a window in positions.
        with_rel_pos_bias: Whether there is a bias.
    """

    index: Tensor

    def __init__(self, dim: int, heads: int, window: int, with_rel_pos_bias: bool):
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f'heads must divide the width {dim}, got {heads}')
        self.window = window
        self.attn = SelfAttention(dim, dim // heads)
        self.rel_pos_bias = None
        if with_rel_pos_bias:
            self.rel_pos_bias = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
            nn.init.trunc_normal_(self.rel_pos_bias, std=0.02)
            self.register_buffer('index', _relative_index(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, H, W, dim) -> (N, H, W, dim)``."""
        height, width = x.shape[1:3]
        top, left = -height % self.window // 2, -width % self.window // 2
        # what is missing at bottom and right, window_partition adds
        if is_compiling() or top or left:  # in a graph for all sizes, not to be asked
            x = F.pad(x, (0, 0, left, 0, top, 0))
        tokens, grid = window_partition(x, self.window)
        tokens = self.attn(tokens, self._bias())
        x = window_unpartition(tokens, self.window, grid, x.shape[1:3])
        return x[:, top : top + height, left : left + width]

    def _bias(self) -> Optional[Tensor]:
        """``(heads, window**2, window**2)``, in rows as GPUs' kernels want them."""
        if self.rel_pos_bias is None:
            return None
        return self.rel_pos_bias.t()[:, self.index][..., : self.window**2]


def _relative_index(window: int) -> Tensor:
    """Row of the table of biases for each query and key of a window.

    ``(window**2, keys)``, with more keys than the ``window**2`` there are, for aligned rows.
    """
    y, x = (t.flatten() for t in torch.meshgrid(*[torch.arange(window)] * 2, indexing='ij'))
    rows, cols = y[:, None] - y + window - 1, x[:, None] - x + window - 1
    return F.pad(rows * (2 * window - 1) + cols, (0, -(window**2) % BIAS_ROW))


class ConvMlp(nn.Module):
    """MLP with a depthwise 3x3 convolution inside and BatchNorm after each layer (section 3.1)."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.ratio = hidden / dim
        self.fc1 = nn.Conv2d(dim, hidden, 1)
        self.norm1 = BatchNorm2d(hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.norm2 = BatchNorm2d(hidden)
        self.fc2 = nn.Conv2d(hidden, dim, 1)
        self.norm3 = BatchNorm2d(dim)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        if self.norm1.training:  # its statistics are those of whole maps
            return self._run(x)
        return apply_in_tiles(self._run, x, dim=2, ratio=2 * self.ratio, halo=1)

    def _run(self, x: Tensor) -> Tensor:
        x = self.act(self.norm1(self.fc1(x)))
        x = self.act(self.norm2(self.dwconv(x)))
        return self.act(self.norm3(self.fc2(x)))


class Block(nn.Module):
    """Window attention and MLP (section 3.1, figure 1)."""

    def __init__(
        self, dim: int, heads: int, window: int, mlp_ratio: float, drop_path: float, bias: bool
    ):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = WindowAttention(dim, heads, window, bias)
        self.norm2 = LayerNorm2d(dim, eps=NORM_EPS)
        self.mlp = ConvMlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        attended = self.attn(self.norm1(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        x = self.drop_path.add(x, attended)
        return self.drop_path.add(x, self.mlp(self.norm2(x)))


@MODELS.register_module()
class HRFormer(HybridBackbone):
    """HRFormer as a dense backbone: levels 0 to 3 are its four parallel streams (section 3).

    The defaults are what the ImageNet weights were trained with, and the authors' segmentation
    code. Their pose code leaves the position bias out and upsamples bilinearly:
    ``with_rel_pos_bias=False, fuse_upsample='bilinear'``.

    Args:
        arch: Name out of ``HRFormer.archs``, or the fields of :class:`HRFormerArch`.
        out_indices: Streams to return, rising. Every stream needs all stages; the last exchange
            is built for the chosen ones only.
        window_size: Side of a window in positions of each stream. Published weights have 7; their
            tables of position biases are interpolated to another size.
        with_rel_pos_bias: Whether attention has a learnt bias for each relative position.
        fuse_upsample: How a coarser stream grows in an exchange: ``'nearest'`` or ``'bilinear'``.
        drop_path_rate: Of the last block; earlier blocks have linearly less.
        frozen_stages, norm_eval, with_cp, init_cfg, in_channels: see :class:`HybridBackbone`. The
            stages are the paper's four: bottlenecks, then two, three and four streams.
            ``with_cp`` counts the blocks of a stream.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is.

    Example:
        >>> import torch
        >>> from hybrid_backbones import HRFormer
        >>> backbone = HRFormer('tiny').eval()
        >>> [tuple(stream.shape) for stream in backbone(torch.rand(1, 3, 100, 150))]
        [(1, 18, 25, 38), (1, 36, 13, 19), (1, 72, 7, 10), (1, 144, 4, 5)]
    """

    keys_not_in_pretrained = ()
    optional_keys = (r'.*\.rel_pos_bias', r'stages\.3\.blocks\.\d+\.fuse\..*')

    block_types = (Block, Bottleneck)
    parallel_streams = True

    def __init__(
        self,
        arch: Union[str, Dict[str, Any], HRFormerArch] = 'small',
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        window_size: int = PUBLISHED_WINDOW,
        with_rel_pos_bias: bool = True,
        fuse_upsample: str = 'nearest',
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
        if type(window_size) is not int or window_size < 1:
            raise ValueError(f'window_size must be a positive int, got {window_size!r}')
        if fuse_upsample not in UPSAMPLING:
            raise ValueError(
                f'fuse_upsample must be one of {tuple(UPSAMPLING)}, got {fuse_upsample!r}'
            )
        self.window_size = window_size
        self.with_rel_pos_bias = with_rel_pos_bias
        self.fuse_upsample = fuse_upsample
        dims = [self.arch.width * 2**i for i in range(NUM_LEVELS)]
        self.stem = nn.Sequential(
            ConvBNAct(in_channels, STEM_DIM, 3, stride=2),
            ConvBNAct(STEM_DIM, STEM_DIM, 3, stride=2),
        )
        bottlenecks = [Bottleneck(STEM_DIM), Bottleneck(FIRST_DIM)]
        first = Stage(nn.Identity(), bottlenecks, self.num_checkpointed(0))
        depths = [self.arch.depth * n for n in self.arch.modules]
        rates = drop_path_rates(drop_path_rate, depths)
        rest = [self._stage(i, dims, rates[i - 1]) for i in range(1, NUM_LEVELS)]
        self.stages = nn.ModuleList([first, *rest])
        self.out_channels = tuple(dims[i] for i in self.out_indices)
        self.train()  # weights as in the authors' segmentation code: torch's own

    def _stage(self, index: int, dims: Sequence[int], rates: Sequence[float]) -> HRStage:
        arch = self.arch
        dims = dims[: index + 1]
        transition = nn.ModuleDict()
        if index == 1:
            transition['0'] = ConvBNAct(FIRST_DIM, dims[0], 3)
        before = FIRST_DIM if index == 1 else dims[-2]
        transition[str(index)] = ConvBNAct(before, dims[-1], 3, stride=2)
        modules = []
        for m in range(arch.modules[index - 1]):
            branches = [
                [
                    Block(
                        dim,
                        heads,
                        self.window_size,
                        arch.mlp_ratio,
                        rates[m * arch.depth + k],
                        self.with_rel_pos_bias,
                    )
                    for k in range(arch.depth)
                ]
                for dim, heads in zip(dims, arch.heads)
            ]
            last = index == NUM_LEVELS - 1 and m == arch.modules[-1] - 1
            outputs = self.out_indices if last else range(len(dims))
            modules.append(HRModule(branches, dims, outputs, self.fuse_upsample))
        return HRStage(transition, modules, self.num_checkpointed(index))

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        first, *rest = self.stages
        streams = [first(self.stem(x))]
        for stage in rest:
            streams = stage(streams)
        return tuple(streams)

    def module_of_level(self, index: int) -> str:
        """The last stage, whatever the level: its output holds all returned streams."""
        return f'stages.{NUM_LEVELS - 1}'

    def resize_pretrained(self, name: str, value: Tensor) -> Tensor:
        """Bring a table of position biases from the window it was trained with to ours."""
        rows = (2 * self.window_size - 1) ** 2
        if not name.endswith('.rel_pos_bias') or value.dim() != 2 or len(value) == rows:
            return value
        side = round(len(value) ** 0.5)
        if side * side != len(value):
            return value
        grid = value.t().reshape(1, -1, side, side).float()
        grid = F.interpolate(grid, size=2 * self.window_size - 1, mode='bilinear')
        return grid.reshape(-1, rows).t().to(value.dtype)


HRFormer.archs = {
    'tiny': HRFormerArch(18, modules=(1, 3, 2)),
    'small': HRFormerArch(32),
    'base': HRFormerArch(78, heads=(2, 4, 8, 16)),
}
