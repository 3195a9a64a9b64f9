"""The level for a pose head that stands on one level of a backbone."""

import math
from typing import Any, Dict, Optional, Tuple

from ..backbones import families
from ..backbones.levels import Level
from ..config.traverse import Path
from ..errors import ConfigError
from .changes import DropIn
from .levels import STRIDES

DEPTHWISE_KERNEL = 4
DECONV_CHANNELS = 256  # of each deconvolution, as in HeatmapHead's own default


def choose_pose_level(drop: DropIn, old: Level) -> int:
    """The new backbone's level, and how many deconvolutions a heatmap head needs to grow it.

    A heatmap head keeps the size of its heatmaps: deconvolutions, which double the size, are added
    or left out. Backbones with parallel streams give it their finest level, as they do in their
    papers; others their last one that has published weights.

    Returns:
        The level, 0 to 3.

    Raises:
        ConfigError: The head needs a fine level, and this backbone's fine levels are shallow.
    """
    head, path = _heatmap_head(drop)
    family = families()[drop.variant.family]
    if head is None:
        if old.stride in STRIDES and (family.parallel_streams or old.stride == STRIDES[-1]):
            return STRIDES.index(old.stride)
        parts = (drop.model.get('head') or {}, (drop.model.get('head') or {}).get('pose_cfg') or {})
        if any('in_featuremap_size' in part for part in parts) or old.stride >= 16:
            return len(STRIDES) - 1
        parallel = ', '.join(name for name, each in families().items() if each.parallel_streams)
        raise ConfigError(
            f'{drop.source.name}: its head works on stride {old.stride:g}, where '
            f'{family.__name__} has run only its first stages: take a backbone with parallel '
            f'streams ({parallel}), or add a neck and set out_indices yourself'
        )
    deconvolutions = head.get('deconv_out_channels', (DECONV_CHANNELS,) * 3) or ()
    stride = old.stride / 2 ** len(deconvolutions)
    level = 0 if family.parallel_streams else family.pretrained_levels[-1]
    number = math.log2(STRIDES[level] / stride)
    if number < 0 or number != int(number):
        raise ConfigError(
            f'{drop.source.name}: heatmaps of stride {stride:g} cannot be made from stride '
            f'{STRIDES[level]} by deconvolutions'
        )
    if int(number) != len(deconvolutions):
        kernels = (DEPTHWISE_KERNEL,) * int(number)
        drop.set((*path, 'deconv_out_channels'), (DECONV_CHANNELS,) * int(number) or None)
        drop.set((*path, 'deconv_kernel_sizes'), kernels or None)
        drop.note(
            f'{int(number)} deconvolutions in place of {len(deconvolutions)} lead from stride '
            f"{STRIDES[level]} to the heatmaps' {stride:g}"
        )
    return level


def _heatmap_head(drop: DropIn) -> Tuple[Optional[Dict[str, Any]], Path]:
    """A head that can grow its input by deconvolutions, and its path."""
    path: Path = ('model', *drop.root, 'head')
    head = drop.model.get('head') or {}
    if head.get('type') == 'VisPredictHead':
        path, head = (*path, 'pose_cfg'), head.get('pose_cfg') or {}
    return (head, path) if head.get('type') == 'HeatmapHead' else (None, path)
