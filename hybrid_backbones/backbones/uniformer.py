"""UniFormer: Unifying Convolution and Self-attention for Visual Recognition (Li et al. 2022).

Paper: https://arxiv.org/abs/2201.09450. Local aggregation by convolution in the two shallow
stages, self-attention in the two deep ones, behind one residual block (section 3).
"""

from dataclasses import dataclass
from functools import partial
from typing import List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn

from ..layers import (
    BatchNorm2d,
    DropPath,
    LayerNorm2d,
    LayerScale,
    Mlp,
    PatchEmbed,
    ResidualDWConv,
    SelfAttention,
    Stage,
    drop_path_rates,
    init_linear,
    window_partition,
    window_unpartition,
)
from ..registry import MODELS
from ..weights import LoadResult
from .base import HybridBackbone
from .token_pruning import halve_scores, update_all, update_pruned

NORM_EPS = 1e-6  # of every LayerNorm but those of the patch embeddings
LAYER_SCALE_INIT = 1e-6
ATTENTION_MODES = ('global', 'window', 'hybrid')
PRUNED_KEEP = 0.5  # share of the tokens that a light variant's block computes; its first takes all
GLOBAL_EVERY = 4  # in hybrid mode, blocks 4, 8, 12, ... of stage 3 see the whole map

Conv1x1 = partial(nn.Conv2d, kernel_size=1)


@dataclass(frozen=True)
class UniFormerArch:
    """What tells one UniFormer from another.

    Args:
        depths: Blocks of each stage.
        dims: Channels of each stage.
        head_dim: Channels of an attention head. It changes no weight's shape.
        mlp_ratio: Hidden channels of the MLPs, as a multiple of ``dims``.
        conv_stem: Overlapping 3x3 convolutions with BatchNorm in place of patch embeddings.
        layer_scale_stages: Stages (counted from 0) whose residual branches have a learnt scale.
        token_pruning: The light variant: a conv stem before stage 1 alone, and stages 3 and 4
            compute half of the tokens (see ``token_pruning.py``).
    """

    depths: Tuple[int, ...]
    dims: Tuple[int, ...] = (64, 128, 320, 512)
    head_dim: int = 64
    mlp_ratio: float = 4.0
    conv_stem: bool = False
    layer_scale_stages: Tuple[int, ...] = ()
    token_pruning: bool = False


class ConvEmbed(nn.Module):
    """Overlapping 3x3 convolutions of stride 2, each with BatchNorm, GELU between two of them."""

    def __init__(self, *dims: int):
        super().__init__()
        layers: List[nn.Module] = []
        for in_dim, dim in zip(dims[:-1], dims[1:]):
            if layers:
                layers.append(nn.GELU())
            layers += [nn.Conv2d(in_dim, dim, 3, stride=2, padding=1), BatchNorm2d(dim)]
        self.proj = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dims[0], H, W) -> (N, dims[-1], ...)``, H and W halved (rounded up) each time."""
        return self.proj(x)


class LocalAggregation(nn.Module):
    """Local multi-head relation aggregation: a learnt 5x5 affinity for each channel (eq. 5)."""

    def __init__(self, dim: int):
        super().__init__()
        self.value = Conv1x1(dim, dim)
        self.affinity = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.proj = Conv1x1(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return self.proj(self.affinity(self.value(x)))


class LocalBlock(nn.Module):
    """Position encoding, local aggregation and MLP on a map, with BatchNorm (sections 3.1-3.4)."""

    def __init__(self, dim: int, mlp_ratio: float, drop_path: float, layer_scale: bool):
        super().__init__()
        self.pos_embed = ResidualDWConv(dim, 3)
        self.norm1 = BatchNorm2d(dim)
        self.attn = LocalAggregation(dim)
        self.norm2 = BatchNorm2d(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), pointwise=Conv1x1)
        self.drop_path = DropPath(drop_path)
        self.scale1, self.scale2 = _layer_scales((1, dim, 1, 1), layer_scale)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        x = self.pos_embed(x)
        x = self.drop_path.add(x, self.scale1(self.attn(self.norm1(x))))
        return self.drop_path.add(x, self.scale2(self.mlp(self.norm2(x))))


class GlobalBlock(nn.Module):
    """Position encoding on the map, self-attention and MLP on its tokens (sections 3.1-3.4)."""

    def __init__(
        self, dim: int, head_dim: int, mlp_ratio: float, drop_path: float, layer_scale: bool
    ):
        super().__init__()
        self.pos_embed = ResidualDWConv(dim, 3)
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = SelfAttention(dim, head_dim)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)
        self.scale1, self.scale2 = _layer_scales((dim,), layer_scale)

    def forward(self, x: Tensor, window: int = 0) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``.

        Args:
            x: The map.
            window: Attend within windows of this many positions a side; 0: over the whole map.
        """
        x = self.pos_embed(x)
        x = x.permute(0, 2, 3, 1)
        x = self.drop_path.add(x, self.scale1(self._attend(self.norm1(x), window)))
        x = self.drop_path.add(x, self.scale2(self.mlp(self.norm2(x))))
        return x.permute(0, 3, 1, 2)

    def _attend(self, x: Tensor, window: int) -> Tensor:
        """``(N, H, W, dim) -> (N, H, W, dim)``; a window's padding takes part, as zeros."""
        if not window:
            return self.attn(x.flatten(1, 2)).view(x.shape)
        tokens, grid = window_partition(x, window)
        return window_unpartition(self.attn(tokens), window, grid, x.shape[1:3])


class TokenPruningBlock(GlobalBlock):
    """The block of the light variant: a class token, and scores that say which tokens count.

    Args:
        keep: Share of the tokens that are computed.
    """

    def __init__(self, *args, keep: float):
        super().__init__(*args, layer_scale=False)
        self.keep = keep

    def forward(
        self, x: Tensor, cls: Tensor, scores: Optional[Tensor]
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """``(N, C, H, W)``, ``(N, 1, C)`` and ``(N, H * W)`` to the same of the next block."""
        x = self.pos_embed(x)
        size, tokens = x.shape[2:], x.flatten(2).transpose(1, 2)
        if self.keep == 1:
            tokens, cls, scores = update_all(tokens, cls, self._update)
        else:
            tokens, cls, scores = update_pruned(tokens, cls, scores, self._update, self.keep)
        return tokens.transpose(1, 2).unflatten(2, size), cls, scores

    def _update(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        # not drop_path.add, which may overwrite a branch: both are returned, too
        attended, row = self.attn.with_first_row(self.norm1(x))
        x = x + self.drop_path(attended)
        transformed = self.mlp(self.norm2(x))
        return x + self.drop_path(transformed), attended + transformed, row


class GlobalStage(Stage):
    """A stage of :class:`GlobalBlock`."""

    def forward(self, x: Tensor, windows: Sequence[int] = ()) -> Tensor:
        """The previous level's map to this one's, both ``(N, C, H, W)``.

        Args:
            x: The map.
            windows: Side of each block's window in positions; 0, or none given: the whole map.
        """
        x = self.downsample(x)
        for i, window in enumerate(windows or [0] * len(self.blocks)):
            x = self.run_block(i, x, window=window)
        return x


class TokenPruningStage(Stage):
    """A stage of :class:`TokenPruningBlock`: the first one begins a class token, the next goes on.

    Args:
        downsample: From the previous level's map to this one's.
        blocks: Of :class:`TokenPruningBlock`.
        num_checkpointed: How many of the first blocks are computed again in the backward pass.
        dim: Channels.
        in_dim: Channels of the previous stage's class token; None: this stage begins it.
    """

    def __init__(
        self,
        downsample: nn.Module,
        blocks: Sequence[nn.Module],
        num_checkpointed: int,
        dim: int,
        in_dim: Optional[int],
    ):
        super().__init__(downsample, blocks, num_checkpointed)
        if in_dim is None:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
            nn.init.trunc_normal_(self.cls_token, std=0.02)
        else:
            self.cls_proj = nn.Linear(in_dim, dim)

    def forward(
        self, x: Tensor, cls: Optional[Tensor] = None, scores: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Map ``(N, C, H, W)``, class token ``(N, 1, C)`` and scores ``(N, H * W)``, to the same.

        The first such stage takes the map alone.
        """
        size = x.shape[2:]
        x = self.downsample(x)
        if cls is None:
            cls = self.cls_token.expand(x.shape[0], -1, -1)
        else:
            cls, scores = self.cls_proj(cls), halve_scores(scores, size)
        for i in range(len(self.blocks)):
            x, cls, scores = self.run_block(i, x, cls=cls, scores=scores)
        return x, cls, scores


@MODELS.register_module()
class UniFormer(HybridBackbone):
    """UniFormer as a dense backbone (sections 3 and 4.2).

    Args:
        arch: Name out of ``UniFormer.archs``, or the fields of :class:`UniFormerArch`.
        out_indices: Levels to return, rising.
        stage3_attention: Who sees whom in stage 3: ``'global'`` the whole map, ``'window'`` a
            window, ``'hybrid'`` a window but for every fourth block. Weights are the same.
        eval_stage3_attention: The same for eval mode, where it shall differ (published for
            segmentation: train ``'global'``, test ``'hybrid'``). None: as in training.
        window_size: Side of a window in positions of stride 16.
        head_dim: Channels of an attention head, where it shall differ from the arch's. It must
            be what the weights were trained with, and no weight's shape tells.
        drop_path_rate: Of the last block; earlier blocks have linearly less.
        frozen_stages, norm_eval, with_cp, init_cfg: see :class:`HybridBackbone`.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is.

    Example:
        >>> import torch
        >>> from hybrid_backbones import UniFormer
        >>> backbone = UniFormer('small', stage3_attention='hybrid', out_indices=(1, 2, 3)).eval()
        >>> [tuple(level.shape) for level in backbone(torch.rand(1, 3, 100, 150))]
        [(1, 128, 13, 19), (1, 320, 7, 10), (1, 512, 4, 5)]
        >>> backbone.out_channels, backbone.out_strides
        ((128, 320, 512), (8, 16, 32))
    """

    def __init__(
        self,
        arch: Union[str, dict, UniFormerArch] = 'small',
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        stage3_attention: str = 'global',
        eval_stage3_attention: Optional[str] = None,
        window_size: int = 14,
        head_dim: Optional[int] = None,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: Union[bool, Sequence[int]] = False,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(arch, out_indices, frozen_stages, norm_eval, with_cp, init_cfg)
        for name, mode in (
            ('stage3_attention', stage3_attention),
            ('eval_stage3_attention', eval_stage3_attention or stage3_attention),
        ):
            if mode not in ATTENTION_MODES:
                raise ValueError(f'{name} must be one of {ATTENTION_MODES}, got {mode!r}')
            if self.arch.token_pruning and mode != 'global':
                raise ValueError(f"a light UniFormer has {name}='global' alone, got {mode!r}")
        if type(window_size) is not int or window_size < 1:
            raise ValueError(f'window_size must be a positive int, got {window_size!r}')
        self.stage3_attention = stage3_attention
        self.eval_stage3_attention = eval_stage3_attention or stage3_attention
        self.window_size = window_size
        self.head_dim = self.arch.head_dim if head_dim is None else head_dim

        dims = self.arch.dims
        rates = drop_path_rates(drop_path_rate, self.arch.depths)
        if self.arch.conv_stem:
            self.stem = ConvEmbed(3, dims[0] // 2, dims[0])
        else:
            self.stem = PatchEmbed(3, dims[0], stride=4)
        self.stages = nn.ModuleList(self._stage(i, rates[i]) for i in range(self.num_stages))
        self.out_norms = nn.ModuleDict(
            {str(i): LayerNorm2d(dims[i], eps=NORM_EPS) for i in self.out_indices}
        )
        self.out_channels = tuple(dims[i] for i in self.out_indices)
        self.apply(init_linear)  # norms and convolutions keep torch's own, as published
        self.train()

    def _stage(self, index: int, drop_path: List[float]) -> Stage:
        arch, dim = self.arch, self.arch.dims[index]
        if index == 0:
            downsample = nn.Identity()
        elif arch.conv_stem and not arch.token_pruning:
            downsample = ConvEmbed(arch.dims[index - 1], dim)
        else:
            downsample = PatchEmbed(arch.dims[index - 1], dim, stride=2)
        if index >= 2 and arch.token_pruning:
            return self._pruned_stage(index, downsample, drop_path)
        if index < 2:
            make_stage, make_block = Stage, partial(LocalBlock, dim)
        else:
            make_stage, make_block = GlobalStage, partial(GlobalBlock, dim, self.head_dim)
        scaled = index in arch.layer_scale_stages
        blocks = [make_block(arch.mlp_ratio, rate, scaled) for rate in drop_path]
        return make_stage(downsample, blocks, self.num_checkpointed(index))

    def _pruned_stage(self, index: int, downsample: nn.Module, drop_path: List[float]) -> Stage:
        arch, dim = self.arch, self.arch.dims[index]
        keeps = [1 if (index, j) == (2, 0) else PRUNED_KEEP for j in range(len(drop_path))]
        blocks = [
            TokenPruningBlock(dim, self.head_dim, arch.mlp_ratio, rate, keep=keep)
            for rate, keep in zip(drop_path, keeps)
        ]
        in_dim = None if index == 2 else arch.dims[index - 1]
        return TokenPruningStage(downsample, blocks, self.num_checkpointed(index), dim, in_dim)

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        outs = []
        pruning = ()  # class token and scores, once there are some
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            if isinstance(stage, TokenPruningStage):
                x, *pruning = stage(x, *pruning)
            else:
                x = stage(x, self._windows()) if i == 2 else stage(x)
            if i in self.out_indices:
                outs.append(self.out_norms[str(i)](x))
        return tuple(outs)

    def _windows(self) -> List[int]:
        """Window of each block of stage 3 in the present mode; 0 is the whole map."""
        mode = self.stage3_attention if self.training else self.eval_stage3_attention
        return [
            0
            if mode == 'global' or (mode == 'hybrid' and block % GLOBAL_EVERY == 0)
            else self.window_size
            for block in range(1, 1 + len(self.stages[2].blocks))
        ]

    def check_loaded(self, found: LoadResult) -> List[str]:
        """A warning if the file seems to have been trained with another ``head_dim``."""
        if self.arch.token_pruning:
            return []
        name = found.file.lower()
        labelled = any(key.startswith('aux_head.') for key in found.unused_keys) or 'tl' in _words(
            name
        )
        short = labelled and self.arch.dims != UniFormer.archs['large_ls_tl'].dims
        short = (short or self.arch.conv_stem) and 'dim64' not in name
        trained = 32 if short else 64
        if trained == self.head_dim:
            return []
        kind = 'trained with token labelling' if labelled else 'trained without token labelling'
        return [
            f'{found.file} seems to be {kind}, with head_dim={trained}, but this backbone has '
            f'head_dim={self.head_dim}: shapes agree either way, numbers do not. Use the arch the '
            f'file was trained as, or pass head_dim={trained}.'
        ]


def _words(name: str) -> List[str]:
    return name.replace('-', '_').replace('.', '_').split('_')


def _layer_scales(shape: Tuple[int, ...], wanted: bool) -> Tuple[nn.Module, nn.Module]:
    if not wanted:
        return nn.Identity(), nn.Identity()
    return LayerScale(shape, LAYER_SCALE_INIT), LayerScale(shape, LAYER_SCALE_INIT)


_SMALL, _PLUS, _BASE = (3, 4, 8, 3), (3, 5, 9, 3), (5, 8, 20, 7)

_light = partial(UniFormerArch, mlp_ratio=3.0, conv_stem=True, token_pruning=True)

# '_tl': trained with token labelling; '_ls': layer scale; '_plus': deeper, with a conv stem;
# 'xxs', 'xs': light, with token pruning.
UniFormer.archs = {
    'small': UniFormerArch(_SMALL),
    'small_plus': UniFormerArch(_PLUS, head_dim=32, conv_stem=True),
    'small_plus_dim64': UniFormerArch(_PLUS, conv_stem=True),
    'base': UniFormerArch(_BASE),
    'base_ls': UniFormerArch(_BASE, layer_scale_stages=(2, 3)),
    'small_tl': UniFormerArch(_SMALL, head_dim=32),
    'small_dim64_tl': UniFormerArch(_SMALL),
    'small_plus_tl': UniFormerArch(_PLUS, head_dim=32, conv_stem=True),
    'small_plus_dim64_tl': UniFormerArch(_PLUS, conv_stem=True),
    'base_tl': UniFormerArch(_BASE, head_dim=32),
    'base_dim64_tl': UniFormerArch(_BASE),
    'large_ls_tl': UniFormerArch(
        (5, 10, 24, 7), dims=(128, 192, 448, 640), layer_scale_stages=(0, 1, 2, 3)
    ),
    'xxs': _light((2, 5, 8, 2), dims=(56, 112, 224, 448), head_dim=28),
    'xs': _light((3, 5, 9, 3), dims=(64, 128, 256, 512), head_dim=32),
}
