"""UniFormer: Unifying Convolution and Self-attention for Visual Recognition (Li et al. 2022).

Paper: https://arxiv.org/abs/2201.09450. Local aggregation by convolution in the two shallow
stages, self-attention in the two deep ones, behind one residual block (section 3).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from torch import Tensor, nn

from ..layers import (
    BatchNorm2d,
    LayerNorm2d,
    PatchEmbed,
    Stage,
    drop_path_rates,
    init_linear,
)
from ..registry import MODELS
from ..weights import LoadResult
from .base import HybridBackbone
from .uniformer_blocks import NORM_EPS, GlobalBlock, GlobalStage, LocalBlock
from .uniformer_light import TokenPruningBlock, TokenPruningStage

ATTENTION_MODES = ('global', 'window', 'hybrid')
PRUNED_KEEP = 0.5  # share of the tokens that a light variant's block computes; its first takes all
GLOBAL_EVERY = 4  # in hybrid mode, blocks 4, 8, 12, ... of stage 3 see the whole map


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
        frozen_stages, norm_eval, with_cp, init_cfg, in_channels: see :class:`HybridBackbone`.

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

    block_types = (LocalBlock, GlobalBlock)

    def __init__(
        self,
        arch: Union[str, Dict[str, Any], UniFormerArch] = 'small',
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        stage3_attention: str = 'global',
        eval_stage3_attention: Optional[str] = None,
        window_size: int = 14,
        head_dim: Optional[int] = None,
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
        self.stem: nn.Module
        if self.arch.conv_stem:
            self.stem = ConvEmbed(in_channels, dims[0] // 2, dims[0])
        else:
            self.stem = PatchEmbed(in_channels, dims[0], stride=4)
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
            downsample: nn.Module = nn.Identity()
        elif arch.conv_stem and not arch.token_pruning:
            downsample = ConvEmbed(arch.dims[index - 1], dim)
        else:
            downsample = PatchEmbed(arch.dims[index - 1], dim, stride=2)
        if index >= 2 and arch.token_pruning:
            return self._pruned_stage(index, downsample, drop_path)
        options = [(arch.mlp_ratio, rate, index in arch.layer_scale_stages) for rate in drop_path]
        checkpointed = self.num_checkpointed(index)
        if index < 2:
            return Stage(downsample, [LocalBlock(dim, *each) for each in options], checkpointed)
        blocks = [GlobalBlock(dim, self.head_dim, *each) for each in options]
        return GlobalStage(downsample, blocks, checkpointed)

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
        return self.features_and_token(x)[0]

    def features_and_token(self, x: Tensor) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        outs = []
        pruning: List[Tensor] = []  # class token and scores, once there are some
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            if isinstance(stage, TokenPruningStage):
                x, *pruning = stage(x, *pruning)
            else:
                x = stage(x, self._windows()) if i == 2 else stage(x)
            if i in self.out_indices:
                outs.append(self.normalise_level(i, x))
        return tuple(outs), pruning[0][:, 0] if pruning else None

    def _windows(self) -> List[int]:
        """Window of each block of stage 3 in the present mode; 0 is the whole map."""
        mode = self.stage3_attention if self.training else self.eval_stage3_attention
        return [
            0
            if mode == 'global' or (mode == 'hybrid' and block % GLOBAL_EVERY == 0)
            else self.window_size
            for block in range(1, 1 + self.arch.depths[2])
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
