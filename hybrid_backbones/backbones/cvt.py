"""CvT: Introducing Convolutions to Vision Transformers (Wu et al. 2021).

Paper: https://arxiv.org/abs/2103.15808. Three stages, each a convolutional token embedding
(section 3.1) and blocks whose queries, keys and values come from depthwise convolutions
(section 3.2). No position embedding.
"""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..layers import (
    BatchNorm2d,
    DropPath,
    LayerNorm2d,
    Linear,
    Mlp,
    PatchEmbed,
    ScaledDotProductAttention,
    Stage,
    drop_path_rates,
    init_linear,
    is_compiling,
)
from ..registry import MODELS
from .base import HybridBackbone

NORM_EPS = 1e-5  # of every LayerNorm
PUBLISHED_STAGES = 3
TOKEN_STAGE = 2  # the stage whose sequence begins with the class token


@dataclass(frozen=True)
class CvTArch:
    """What tells one CvT from another.

    Args:
        depths: Blocks of each stage.
        dims: Channels of each stage.
        heads: Attention heads of each stage.
        mlp_ratio: Hidden channels of the MLPs, as a multiple of ``dims``.
    """

    depths: Tuple[int, int, int]
    dims: Tuple[int, int, int] = (64, 192, 384)
    heads: Tuple[int, int, int] = (1, 3, 6)
    mlp_ratio: float = 4.0


QUICK_GELU = 1.702


class QuickGELU(nn.Module):
    """``x * sigmoid(1.702 x)``, the approximation of GELU that the weights were trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        if is_compiling():  # which fuses by itself
            return F.silu(x * QUICK_GELU) / QUICK_GELU
        return _QuickGELU.apply(x)  # type: ignore[no-untyped-call]  # torch leaves it so


class _QuickGELU(torch.autograd.Function):
    """In fewer passes over memory than autograd would take, and with nothing kept but the input.

    ``silu(a x) / a`` is the same function, and its derivative is that of ``silu`` at ``a x``.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.silu(x * QUICK_GELU, inplace=True).div_(QUICK_GELU)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad, x * QUICK_GELU)


class DepthwiseConvBN(nn.Module):
    """A depthwise 3x3 convolution and BatchNorm: where queries, keys and values come from."""

    def __init__(self, dim: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, stride=stride, padding=1, groups=dim, bias=False)
        self.bn = BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, ceil(H / stride), ceil(W / stride))``."""
        return self.bn(self.conv(x))


class ConvAttention(nn.Module):
    """Multi-head attention with convolutional projection (section 3.2, figure 3c).

    Keys and values are taken at every other position. A class token skips the convolutions.

    Args:
        dim: Channels in and out.
        heads: Must divide ``dim``.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f'heads must divide the width {dim}, got {heads}')
        self.heads = heads
        self.scale = dim**-0.5  # of the whole width, not of a head's
        self.conv_q, self.q = DepthwiseConvBN(dim, 1), Linear(dim, dim)
        self.conv_k, self.k = DepthwiseConvBN(dim, 2), Linear(dim, dim)
        self.conv_v, self.v = DepthwiseConvBN(dim, 2), Linear(dim, dim)
        self.attend = ScaledDotProductAttention()
        self.proj = Linear(dim, dim)

    def forward(self, x: Tensor, size: Tuple[int, int]) -> Tensor:
        """``(N, L, dim) -> (N, L, dim)``, L being H * W, or one more with a class token in front.

        Args:
            x: The sequence.
            size: ``(H, W)`` of the map that it holds.
        """
        first = x.shape[1] - size[0] * size[1]
        token, grid = x[:, :first], x[:, first:].transpose(1, 2).unflatten(2, size)
        q = self._heads(self.q, self.conv_q(grid), token)
        k = self._heads(self.k, self.conv_k(grid), token)
        v = self._heads(self.v, self.conv_v(grid), token)
        out = self.attend(q, k, v, scale=self.scale)
        return self.proj(out.transpose(1, 2).flatten(2))

    def _heads(self, project: nn.Linear, grid: Tensor, token: Tensor) -> Tensor:
        """``(N, dim, h, w)`` and ``(N, 0 or 1, dim)`` to ``(N, heads, L, dim / heads)``."""
        sequence = torch.cat([token, grid.flatten(2).transpose(1, 2)], dim=1)
        return project(sequence).unflatten(2, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """Pre-norm attention and MLP."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = ConvAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), act=QuickGELU)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, size: Tuple[int, int]) -> Tensor:
        """``(N, L, dim) -> (N, L, dim)``; ``size`` as in :class:`ConvAttention`."""
        x = self.drop_path.add(x, self.attn(self.norm1(x), size))
        return self.drop_path.add(x, self.mlp(self.norm2(x)))


class ExtraLevel(nn.Module):
    """A strided 3x3 convolution and LayerNorm: level 3, which CvT itself does not have."""

    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, stride=2, padding=1)
        self.norm = LayerNorm2d(dim, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, ceil(H / 2), ceil(W / 2))``."""
        return self.norm(self.conv(x))


class CvTStage(Stage):
    """A stage whose blocks see the map as a sequence, perhaps with a class token in front.

    Args:
        downsample: From the previous level's map to this one's.
        blocks: Of :class:`Block`.
        num_checkpointed: How many of the first blocks are computed again in the backward pass.
        token_dim: Channels of the class token; None: there is none.
    """

    def __init__(
        self,
        downsample: nn.Module,
        blocks: Sequence[nn.Module],
        num_checkpointed: int,
        token_dim: Optional[int] = None,
    ):
        super().__init__(downsample, blocks, num_checkpointed)
        self.cls_token = None
        if token_dim is not None:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, token_dim))
            nn.init.trunc_normal_(self.cls_token, std=0.02)

    def forward(self, x: Tensor, with_token: bool = False) -> Any:
        """The previous level's map to this one's, both ``(N, C, H, W)``.

        With ``with_token`` a pair: the map, and the class token ``(N, C)``.
        """
        x = self.downsample(x)
        size = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        first = 0
        if self.cls_token is not None:  # the weights attend to it; no level holds it
            first = 1
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1).to(x.dtype), x], dim=1)
        for i in range(len(self.blocks)):
            x = self.run_block(i, x, size=size)
        level = x[:, first:].transpose(1, 2).unflatten(2, size)
        return (level, x[:, 0]) if with_token else level


@MODELS.register_module()
class CvT(HybridBackbone):
    """CvT as a dense backbone (sections 3.1 and 3.2).

    Levels 0, 1 and 2 are the three published stages. **Level 3 is ours**: a strided convolution
    and LayerNorm on level 2, without published weights, there only if ``out_indices`` asks for it.
    It counts as stage 4 in ``frozen_stages``. The authors published no dense code.

    Args:
        arch: Name out of ``CvT.archs``, or the fields of :class:`CvTArch`.
        out_indices: Levels to return, rising.
        drop_path_rate: Of the last block of the last stage, rising from 0 in the stage, as
            published; or one rate for each of the three stages.
        out_norm: Pass levels 0 to 2 through a LayerNorm each, ours and without published weights.
            Without it they are the stages' outputs as they are, whose scale grows with depth.
        frozen_stages, norm_eval, with_cp, init_cfg, in_channels: see :class:`HybridBackbone`.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is.

    Example:
        >>> import torch
        >>> from hybrid_backbones import CvT
        >>> backbone = CvT('13', out_indices=(0, 1, 2)).eval()
        >>> [tuple(level.shape) for level in backbone(torch.rand(1, 3, 100, 150))]
        [(1, 64, 25, 38), (1, 192, 13, 19), (1, 384, 7, 10)]
    """

    keys_not_in_pretrained = ('out_norms.', 'stages.3.')

    block_types = (Block,)
    pretrained_levels = (0, 1, 2)

    def __init__(
        self,
        arch: Union[str, Dict[str, Any], CvTArch] = '13',
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        drop_path_rate: Union[float, Sequence[float]] = 0.0,
        out_norm: bool = False,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: Union[bool, Sequence[int]] = False,
        init_cfg: Optional[Dict[str, Any]] = None,
        in_channels: int = 3,
    ):
        super().__init__(
            arch, out_indices, frozen_stages, norm_eval, with_cp, init_cfg, in_channels
        )
        if isinstance(drop_path_rate, (int, float)):
            drop_path_rate = (0.0, 0.0, drop_path_rate)
        if not isinstance(drop_path_rate, (list, tuple)) or len(drop_path_rate) != 3:
            raise ValueError(
                f'drop_path_rate must be a number or three of them, got {drop_path_rate!r}'
            )
        dims = self.arch.dims
        self.stem = PatchEmbed(in_channels, dims[0], stride=4, kernel_size=7, padding=2)
        self.stages = nn.ModuleList(
            self._stage(i, drop_path_rate[i]) for i in range(min(self.num_stages, 3))
        )
        if self.num_stages > PUBLISHED_STAGES:
            self.stages.append(Stage(ExtraLevel(dims[2]), []))
        self.out_norms = nn.ModuleDict(
            {
                str(i): LayerNorm2d(dims[i], eps=NORM_EPS)
                for i in self.out_indices
                if out_norm and i < PUBLISHED_STAGES
            }
        )
        self.out_channels = tuple((*dims, dims[2])[i] for i in self.out_indices)
        self.apply(init_linear)  # norms and convolutions keep torch's own, as published
        self.train()

    def _stage(self, index: int, drop_path: float) -> CvTStage:
        arch, dim = self.arch, self.arch.dims[index]
        if index == 0:
            downsample: nn.Module = nn.Identity()
        else:
            downsample = PatchEmbed(arch.dims[index - 1], dim, stride=2, kernel_size=3, padding=1)
        (rates,) = drop_path_rates(drop_path, arch.depths[index : index + 1])
        blocks = [Block(dim, arch.heads[index], arch.mlp_ratio, rate) for rate in rates]
        token_dim = dim if index == TOKEN_STAGE else None
        return CvTStage(downsample, blocks, self.num_checkpointed(index), token_dim)

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        return self._run(x, with_token=False)[0]

    def features_and_token(self, x: Tensor) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        return self._run(x, with_token=True)

    def _run(self, x: Tensor, with_token: bool) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        outs, token = [], None
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            if with_token and i == TOKEN_STAGE:
                x, token = stage(x, with_token=True)
            else:
                x = stage(x)
            if i in self.out_indices:
                outs.append(self.normalise_level(i, x))
        return tuple(outs), token


CvT.archs = {
    '13': CvTArch((1, 2, 10)),
    '21': CvTArch((1, 4, 16)),
    'w24': CvTArch((2, 2, 20), dims=(192, 768, 1024), heads=(3, 12, 16)),
}
