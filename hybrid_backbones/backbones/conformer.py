"""Conformer: Local Features Coupling Global Representations (Peng et al. 2021).

Paper: https://arxiv.org/abs/2105.03889. A CNN branch and a transformer branch side by side that
exchange features in every block through feature coupling units (section 3).
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import (
    BatchNorm2d,
    BlockStage,
    ConvBNAct,
    DropPath,
    Mlp,
    SelfAttention,
    drop_path_rates,
    init_linear,
    pad_to_multiple,
)
from ..registry import MODELS
from .base import HybridBackbone

NORM_EPS = 1e-6  # of every norm but the stem's
STEM_DIM = 64
HEAD_DIM = 64


@dataclass(frozen=True)
class ConformerArch:
    """What tells one Conformer from another.

    Args:
        patch: Side of a token's patch in pixels, 16 or 32.
        channel_ratio: Channels of the CNN branch in stage 1, in units of 64.
        embed_dim: Channels of the transformer branch.
        mlp_ratio: Hidden channels of the MLPs, as a multiple of ``embed_dim``.
        depths: Coupling blocks of each stage; stage 1 has one more block of each branch before.
    """

    patch: int
    channel_ratio: int
    embed_dim: int = 384
    mlp_ratio: float = 4.0
    depths: Tuple[int, ...] = (3, 4, 3, 1)


class Stem(nn.Module):
    """A strided 7x7 convolution and max pooling, as in ResNet."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, STEM_DIM, 7, stride=2, padding=3, bias=False)
        self.bn = BatchNorm2d(STEM_DIM)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W) -> (N, 64, ceil(H / 4), ceil(W / 4))``."""
        return F.max_pool2d(F.relu_(self.bn(self.conv(x))), 3, stride=2, padding=1)


class ConvBlock(nn.Module):
    """A bottleneck that can take in features of the transformer branch (section 3.2)."""

    def __init__(self, in_dim: int, dim: int, stride: int = 1, shortcut: bool = False):
        super().__init__()
        inner = dim // 4
        self.conv1 = ConvBNAct(in_dim, inner, eps=NORM_EPS)
        self.conv2 = ConvBNAct(inner, inner, kernel_size=3, stride=stride, eps=NORM_EPS)
        self.conv3 = ConvBNAct(inner, dim, act=None, eps=NORM_EPS)
        self.shortcut: nn.Module = nn.Identity()
        if shortcut:
            self.shortcut = ConvBNAct(in_dim, dim, stride=stride, act=None, eps=NORM_EPS)

    def forward(self, x: Tensor, features: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        """``(N, in_dim, H, W)`` to the output and the features inside.

        Args:
            x: The map.
            features: ``(N, dim / 4, H, W)``, added before the 3x3 convolution.

        Returns:
            ``(N, dim, H', W')`` and ``(N, dim / 4, H', W')``, halved (rounded up) at stride 2.
        """
        inner = self.conv1(x)
        if features is not None:
            inner = inner + features
        inner = self.conv2(inner)
        return F.relu_(self.conv3(inner).add_(self.shortcut(x))), inner


class TransformerBlock(nn.Module):
    """Pre-norm attention and MLP on the class token and the patches (section 3.3)."""

    def __init__(self, dim: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = SelfAttention(dim, HEAD_DIM)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, L, dim) -> (N, L, dim)``."""
        x = self.drop_path.add(x, self.attn(self.norm1(x)))
        return self.drop_path.add(x, self.mlp(self.norm2(x)))


class FCUDown(nn.Module):
    """Feature coupling unit from a map to tokens (section 3.4)."""

    def __init__(self, in_dim: int, dim: int, stride: int):
        super().__init__()
        self.stride = stride
        self.proj = nn.Conv2d(in_dim, dim, 1)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_dim, H, W) -> (N, H / stride * W / stride, dim)``."""
        # the published order is projection, then pooling: the same, on stride**2 times as much
        x = self.proj(F.avg_pool2d(x, self.stride))
        return F.gelu(self.norm(x.flatten(2).transpose(1, 2)))


class FCUUp(nn.Module):
    """Feature coupling unit from tokens to a map (section 3.4)."""

    def __init__(self, in_dim: int, dim: int, stride: int):
        super().__init__()
        self.stride = stride
        self.proj = nn.Conv2d(in_dim, dim, 1)
        self.bn = BatchNorm2d(dim, eps=NORM_EPS)

    def forward(self, x: Tensor, size: Tuple[int, int]) -> Tensor:
        """``(N, L, in_dim) -> (N, dim, *size)``, L being the patches of a map of ``size``."""
        grid = x.transpose(1, 2).unflatten(2, [side // self.stride for side in size])
        return F.interpolate(F.relu_(self.bn(self.proj(grid))), size=size, mode='nearest')


class CouplingBlock(nn.Module):
    """One block of each branch, and their exchange (section 3.1, figure 2c).

    Args:
        in_dim: Channels of the CNN branch before.
        dim: Channels of the CNN branch after.
        arch: Widths of the transformer branch.
        stride: Of the CNN branch's first half.
        out_stride: Of its second half.
        patch: Positions of the map to a side of a token's patch.
        drop_path: Rate, in the transformer branch alone.
    """

    def __init__(
        self,
        in_dim: int,
        dim: int,
        arch: ConformerArch,
        stride: int,
        out_stride: int,
        patch: int,
        drop_path: float,
    ):
        super().__init__()
        self.cnn = ConvBlock(in_dim, dim, stride, shortcut=stride > 1)
        self.down = FCUDown(dim // 4, arch.embed_dim, patch)
        self.trans = TransformerBlock(arch.embed_dim, arch.mlp_ratio, drop_path)
        self.up = FCUUp(arch.embed_dim, dim // 4, patch)
        self.fusion = ConvBlock(dim, dim, out_stride, shortcut=out_stride > 1)

    def forward(self, x: Tensor, tokens: Tensor) -> Tuple[Tensor, Tensor]:
        """Map and tokens, ``(N, in_dim, H, W)`` and ``(N, 1 + L, E)``, to the same of the next."""
        x, inner = self.cnn(x)
        # the published network adds the class token to itself here, in every block
        tokens = tokens + torch.cat([tokens[:, :1], self.down(inner)], dim=1)
        tokens = self.trans(tokens)
        x, _ = self.fusion(x, self.up(tokens[:, 1:], inner.shape[2:]))
        return x, tokens


class FirstStage(BlockStage):
    """Where the branches split: a block of each alone, then coupling blocks."""

    def __init__(
        self, dim: int, arch: ConformerArch, blocks: Sequence[nn.Module], num_checkpointed: int
    ):
        super().__init__()
        patch = arch.patch // 4
        self.cnn = ConvBlock(STEM_DIM, dim, shortcut=True)
        self.patch_embed = nn.Conv2d(STEM_DIM, arch.embed_dim, patch, stride=patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, arch.embed_dim))
        self.trans = TransformerBlock(arch.embed_dim, arch.mlp_ratio, drop_path=0.0)
        self.blocks = nn.ModuleList(blocks)
        self.num_checkpointed = num_checkpointed

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """``(N, 64, H, W)`` to a map ``(N, dim, H, W)`` and tokens ``(N, 1 + L, E)``.

        H and W must be whole patches.
        """
        x, tokens = self.split_branches(x)
        for i in range(len(self.blocks)):
            x, tokens = self.run_block(i, x, tokens=tokens)
        return x, tokens

    def split_branches(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """``(N, 64, H, W)`` to a map ``(N, dim, H, W)`` and tokens ``(N, 1 + L, E)``."""
        patches = self.patch_embed(x).flatten(2).transpose(1, 2)
        token = self.cls_token.expand(x.shape[0], -1, -1).to(patches.dtype)
        return self.cnn(x)[0], self.trans(torch.cat([token, patches], dim=1))


class LaterStage(BlockStage):
    """Coupling blocks; the first one changes size and channels."""

    def __init__(self, blocks: Sequence[nn.Module], num_checkpointed: int):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.num_checkpointed = num_checkpointed

    def forward(self, x: Tensor, tokens: Tensor) -> Tuple[Tensor, Tensor]:
        """Map and tokens of the previous stage to this one's, as :class:`CouplingBlock`."""
        for i in range(len(self.blocks)):
            x, tokens = self.run_block(i, x, tokens=tokens)
        return x, tokens


@MODELS.register_module()
class Conformer(HybridBackbone):
    """Conformer as a dense backbone: the levels are those of its CNN branch (section 4.3).

    Images whose size does not divide into patches are served too: the stem's map is zero-padded
    at right and bottom to whole patches, and the levels are cropped.

    Args:
        arch: Name out of ``Conformer.archs``, or the fields of :class:`ConformerArch`. The
            authors detect with ``'small_patch32'``.
        out_indices: Levels to return, rising. Levels 2 and 3 have the same channels.
        drop_path_rate: Of the last block of the transformer branch; earlier ones have linearly
            less, the CNN branch none.
        frozen_stages, norm_eval, with_cp, init_cfg, in_channels: see :class:`HybridBackbone`.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is.

    Example:
        >>> import torch
        >>> from hybrid_backbones import Conformer
        >>> backbone = Conformer('tiny_patch16').eval()
        >>> [tuple(level.shape) for level in backbone(torch.rand(1, 3, 100, 150))]
        [(1, 64, 25, 38), (1, 128, 13, 19), (1, 256, 7, 10), (1, 256, 4, 5)]
    """

    keys_not_in_pretrained = ()

    block_types = two_branch_blocks = (CouplingBlock,)
    layers_before_blocks = tuple(
        f'stages.0.{part}' for part in ('cnn.', 'trans.', 'patch_embed.', 'cls_token')
    )

    def __init__(
        self,
        arch: Union[str, Dict[str, Any], ConformerArch] = 'small_patch32',
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
        patch = self.arch.patch
        if type(patch) is not int or patch < 16 or patch % 16:
            raise ValueError(f'patch must be a multiple of 16 pixels, got {patch!r}')
        first = STEM_DIM * self.arch.channel_ratio
        dims = (first, 2 * first, 4 * first, 4 * first)
        # one rate for the transformer block alone, then one for each coupling block
        depth, *depths = self.arch.depths
        (_, *rates), *later = drop_path_rates(drop_path_rate, (1 + depth, *depths))
        self.stem = Stem(in_channels)
        self.stages = nn.ModuleList(
            self._stage(i, dims, [rates, *later][i]) for i in range(self.num_stages)
        )
        self.out_channels = tuple(dims[i] for i in self.out_indices)
        self.apply(_init_published)
        nn.init.trunc_normal_(self.get_parameter('stages.0.cls_token'), std=0.02)
        self.train()

    def _stage(self, index: int, dims: Sequence[int], rates: Sequence[float]) -> nn.Module:
        blocks = []
        for j, rate in enumerate(rates):
            begins = j == 0 and index in (1, 2)
            blocks.append(
                CouplingBlock(
                    dims[index - 1] if begins else dims[index],
                    dims[index],
                    self.arch,
                    stride=2 if begins else 1,
                    out_stride=2 if index == 3 else 1,  # stage 4 halves the map at its end
                    patch=self.arch.patch // (4 * 2 ** min(index, 2)),
                    drop_path=rate,
                )
            )
        checkpointed = self.num_checkpointed(index)
        if index:
            return LaterStage(blocks, checkpointed)
        return FirstStage(dims[0], self.arch, blocks, checkpointed)

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        return self.features_and_token(x)[0]

    def features_and_token(self, x: Tensor) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        outs: List[Tensor] = []
        x = self.stem(x)
        height, width = x.shape[2:]
        inputs = (pad_to_multiple(x, self.arch.patch // 4),)
        for i, stage in enumerate(self.stages):
            x, tokens = inputs = stage(*inputs)
            if i in self.out_indices:
                # not -(-side // 2**i): ONNX rounds towards 0
                rows, cols = ((side + 2**i - 1) // 2**i for side in (height, width))
                outs.append(x[:, :, :rows, :cols])
        return tuple(outs), tokens[:, 0]


def _init_published(module: nn.Module) -> None:
    init_linear(module)
    if isinstance(module, nn.Conv2d):  # its bias keeps torch's own
        nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')


Conformer.archs = {
    'tiny_patch16': ConformerArch(16, 1),
    'small_patch16': ConformerArch(16, 4),
    'small_patch32': ConformerArch(32, 4),
    'base_patch16': ConformerArch(16, 6, embed_dim=576),
}
