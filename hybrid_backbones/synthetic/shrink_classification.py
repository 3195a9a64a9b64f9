"""The synthetic dataset for MMPretrain: drawn shapes in ImageNet's folders."""

from pathlib import Path

from mmengine.config import Config

from ..config.data import datasets, relocate
from ..config.traverse import kind_of, scale_sizes, walk
from ..errors import ConfigError
from .classification import CLASSES, write_imagenet

SCALE = 64 / 224  # of every size in the pipelines: a crop of 224 pixels becomes one of 64
EMA_MOMENTUM = 0.05  # at least: averages over more steps than there are would be random weights


def shrink_classification(cfg: Config, root: Path, all_classes: bool = False) -> None:
    """Change data and model in place; see :func:`hybrid_backbones.synthetic.shrink_config`.

    Raises:
        ConfigError: The config is not for ImageNet in MMPretrain's format.
    """
    for _, dataset in datasets(cfg):
        if kind_of(dataset) != 'ImageNet':
            raise ConfigError(
                f"`mini=True` knows MMPretrain's ImageNet; this config has {dataset.type}"
            )
    relocate(cfg, write_imagenet(root / 'imagenet'))
    for _, dataset in datasets(cfg):
        scale_sizes(dataset.pipeline, SCALE)
        if not all_classes:
            dataset.metainfo = dict(classes=CLASSES)
    for _, part in walk(cfg.model if not all_classes else None):
        if 'num_classes' in part:
            part.num_classes = len(CLASSES)
    for hook in cfg.get('custom_hooks') or ():
        if kind_of(hook) == 'EMAHook':
            hook.momentum = max(hook.get('momentum', 0.0), EMA_MOMENTUM)
