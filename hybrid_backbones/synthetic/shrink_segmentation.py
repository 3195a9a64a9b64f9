"""Synthetic images for MMSegmentation, with the classes and folders of the config's dataset."""

from pathlib import Path
from typing import Any, List

from mmengine.config import Config, ConfigDict

from ..config.data import datasets, datasets_of, relocate
from ..config.traverse import kind_of, map_numbers, scale_sizes, walk
from ..errors import ConfigError
from .segmentation import write_ade20k, write_cityscapes, write_coco_stuff10k, write_pascal_context

SCALE = 128 / 512  # of every size in the pipelines: a crop of 512 pixels becomes one of 128
# name of a dataset in MMSegmentation: who writes such a set, and the folder's name
SETS = dict(
    ADE20KDataset=(write_ade20k, 'ade20k'),
    PascalContextDataset59=(write_pascal_context, 'pascal_context'),
    CityscapesDataset=(write_cityscapes, 'cityscapes'),
    COCOStuffDataset=(write_coco_stuff10k, 'coco_stuff10k'),
)


def shrink_segmentation(cfg: Config, root: Path) -> None:
    """Change data and model in place; see :func:`hybrid_backbones.synthetic.shrink_config`.

    Raises:
        ConfigError: There is no mini set in the format of the config's dataset.
    """
    names = {kind_of(dataset) for _, dataset in datasets(cfg)}
    unknown = sorted(names - set(SETS))
    if unknown or len(names) != 1:
        raise ConfigError(
            f'`mini=True` knows {", ".join(SETS)}; this config has {", ".join(names)}'
        )
    write, folder = SETS[names.pop()]
    relocate(cfg, write(root / folder))
    for _, dataset in datasets(cfg):
        scale_sizes(dataset.pipeline, SCALE)
    scale_sizes(cfg.get('tta_pipeline'), SCALE)
    training = [dataset.pipeline for dataset in datasets_of(cfg, 'train_dataloader')]
    testing = [d.pipeline for part, d in datasets(cfg) if part != 'train_dataloader']
    for pipeline in (*testing, *filter(None, [cfg.get('tta_pipeline')])):
        _resize_in_testing(pipeline, training)
    size = (cfg.model.get('data_preprocessor') or {}).get('size')
    if size:
        cfg.model.data_preprocessor.size = map_numbers(size, lambda n: round(n * SCALE))


def _resize_in_testing(pipeline: List[Any], training: List[Any]) -> None:
    """Images that are tested at their own size: at that size they would be four times larger
    than in training here."""
    if any(kind_of(node) == 'Resize' and 'scale' in node for _, node in walk(pipeline)):
        return
    scales = [t.scale for _, t in walk(training) if kind_of(t) == 'RandomResize']
    if scales:
        pipeline.insert(1, ConfigDict(type='Resize', scale=scales[0], keep_ratio=True))
