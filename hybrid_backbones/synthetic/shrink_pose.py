"""The synthetic dataset for MMPose: drawn persons in COCO's format, top-down."""

from functools import partial
from pathlib import Path

from mmengine.config import Config

from ..config.data import datasets, relocate
from ..config.traverse import kind_of, map_numbers, walk
from ..errors import ConfigError
from .keypoints import write_coco_keypoints

SCALE = 1 / 2  # of the crop around a person, and its heatmaps
STEPS = dict(input_size=32, heatmap_size=8)  # sides stay multiples: heatmaps a quarter of crops


def shrink_pose(cfg: Config, root: Path) -> None:
    """Change data and model in place; see :func:`hybrid_backbones.synthetic.shrink_config`.

    Raises:
        ConfigError: The config is not for COCO's 17 joints, one person at a time.
    """
    for _, dataset in datasets(cfg):
        if (kind_of(dataset), dataset.get('data_mode')) != ('CocoDataset', 'topdown'):
            raise ConfigError(
                "`mini=True` knows MMPose's CocoDataset with data_mode='topdown'; "
                f'this config has {dataset.type} with {dataset.get("data_mode")!r}'
            )
    relocate(cfg, write_coco_keypoints(root / 'coco_keypoints'))
    parts = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader, cfg.model)
    for _, node in walk(list(parts)):
        for key in STEPS.keys() & node.keys():
            node[key] = map_numbers(node[key], partial(_scale, step=STEPS[key]))


def _scale(side: int, step: int) -> int:
    return round(side * SCALE / step) * step
