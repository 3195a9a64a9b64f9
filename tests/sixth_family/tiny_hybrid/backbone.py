"""TinyHybrid: two stages of depthwise convolutions, then two of self-attention.

No paper has it: it is as small as a network can be that has what hybrid backbones have.
"""

from dataclasses import dataclass
from functools import partial
from typing import Optional, Sequence, Tuple, Union

from torch import Tensor, nn

from hybrid_backbones.backbones.base import HybridBackbone
from hybrid_backbones.layers import (
    BatchNorm2d,
    ConvBNAct,
    DropPath,
    LayerNorm2d,
    LayerScale,
    Mlp,
    ResidualDWConv,
    SelfAttention,
    Stage,
    drop_path_rates,
)
from hybrid_backbones.registry import MODELS

FIRST_ATTENTION = 2  # the first stage whose blocks attend


@dataclass(frozen=True)
class TinyHybridArch:
    """What tells one TinyHybrid from another.

    Args:
        depths: Blocks of each stage.
        dims: Channels of each stage.
        head_dim: Channels of an attention head.
        mlp_ratio: Hidden channels of the MLPs, as a multiple of ``dims``.
    """

    depths: Tuple[int, int, int, int]
    dims: Tuple[int, int, int, int]
    head_dim: int = 16
    mlp_ratio: float = 2.0


class ConvBlock(nn.Module):
    """Depthwise convolution, BatchNorm and MLP on a map, with a layer scale."""

    def __init__(self, dim: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.norm = BatchNorm2d(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), pointwise=partial(nn.Conv2d, kernel_size=1))
        self.scale = LayerScale((1, dim, 1, 1), 0.1)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return self.drop_path.add(x, self.scale(self.mlp(self.norm(self.dwconv(x)))))


class AttentionBlock(nn.Module):
    """Position encoding on the map, self-attention and MLP on its tokens."""

    def __init__(self, dim: int, head_dim: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.position = ResidualDWConv(dim, 3)
        self.norm1 = nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, head_dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        size = x.shape[2:]
        x = self.position(x).flatten(2).transpose(1, 2)
        x = self.drop_path.add(x, self.attn(self.norm1(x)))
        x = self.drop_path.add(x, self.mlp(self.norm2(x)))
        return x.transpose(1, 2).unflatten(2, size)


@MODELS.register_module()
class TinyHybrid(HybridBackbone):
    """TinyHybrid as a dense backbone.

    Args:
        arch: Name out of ``TinyHybrid.archs``, or the fields of :class:`TinyHybridArch`.
        out_indices: Levels to return, rising.
        drop_path_rate: Of the last block; earlier ones have linearly less.
        frozen_stages, norm_eval, with_cp, init_cfg, in_channels: see :class:`HybridBackbone`.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is.
    """

    block_types = (ConvBlock, AttentionBlock)

    def __init__(
        self,
        arch: Union[str, dict, TinyHybridArch] = 'nano',
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: Union[bool, Sequence[int]] = False,
        init_cfg: Optional[dict] = None,
        in_channels: int = 3,
    ):
        super().__init__(
            arch, out_indices, frozen_stages, norm_eval, with_cp, init_cfg, in_channels
        )
        dims = self.arch.dims
        rates = drop_path_rates(drop_path_rate, self.arch.depths)
        self.stem = nn.Sequential(
            ConvBNAct(in_channels, dims[0], 3, 2, act='gelu'),
            ConvBNAct(dims[0], dims[0], 3, 2, act=None),
        )
        self.stages = nn.ModuleList(self._stage(i, rates[i]) for i in range(self.num_stages))
        self.out_norms = nn.ModuleDict({str(i): LayerNorm2d(dims[i]) for i in self.out_indices})
        self.out_channels = tuple(dims[i] for i in self.out_indices)
        self.train()

    def _stage(self, index: int, rates: Sequence[float]) -> Stage:
        arch, dim, downsample = self.arch, self.arch.dims[index], nn.Identity()
        if index:
            downsample = ConvBNAct(arch.dims[index - 1], dim, 3, 2, act=None)
        if index < FIRST_ATTENTION:
            blocks = [ConvBlock(dim, arch.mlp_ratio, rate) for rate in rates]
        else:
            blocks = [AttentionBlock(dim, arch.head_dim, arch.mlp_ratio, rate) for rate in rates]
        return Stage(downsample, blocks, self.num_checkpointed(index))

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        outs = []
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in self.out_indices:
                outs.append(self.out_norms[str(i)](x))
        return tuple(outs)


TinyHybrid.archs = {
    'nano': TinyHybridArch(depths=(1, 1, 2, 1), dims=(8, 16, 32, 32)),
    'micro': TinyHybridArch(depths=(1, 2, 2, 1), dims=(16, 16, 32, 64)),
}
