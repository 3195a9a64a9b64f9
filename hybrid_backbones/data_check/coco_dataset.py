"""Datasets in COCO's format, of mmdet and mmpose."""

import os
from importlib import import_module
from typing import Any, Iterator, Optional, Tuple

from mmengine.config import Config, ConfigDict

from ..config.traverse import kind_of, walk
from .coco import check_coco, file_name
from .found import Found, Image

# mmpose's with other lists of keypoints beside the first
WITH_PARTS = ('CocoWholeBodyDataset', 'HalpeDataset', 'UBody2dDataset')


def is_coco(cfg: Config, dataset: ConfigDict) -> bool:
    """Whether the class of a dataset reads COCO's format."""
    if not kind_of(dataset).startswith(('Coco', 'LVIS')) or 'Panoptic' in kind_of(dataset):
        return False  # others inherit the class, and read another format
    library = cfg.default_scope
    kind = dataset.get('type')
    known = kind
    if not isinstance(kind, type):
        known = import_module(f'{library}.registry').DATASETS.get(kind)
    module, base = {
        'mmdet': ('mmdet.datasets', 'CocoDataset'),
        'mmpose': ('mmpose.datasets.datasets.base', 'BaseCocoStyleDataset'),
    }[library]
    return isinstance(known, type) and issubclass(known, getattr(import_module(module), base))


def read_coco(cfg: Config, part: str, dataset: ConfigDict) -> Found:
    """Problems of the annotation file, and the images to look at."""
    root = dataset.get('data_root') or ''
    keypoints = None
    if cfg.default_scope == 'mmpose' and kind_of(dataset) not in WITH_PARTS:
        keypoints = _keypoints(cfg)
    masks = any('Mask' in kind_of(node) for _, node in walk(cfg.model))
    # mmdet's datasets read the area in training too
    needed: Tuple[str, ...] = ('area',) if cfg.default_scope == 'mmdet' else ()
    if part != 'train_dataloader':
        needed = ('area',) if kind_of(dataset).startswith('LVIS') else ('area', 'iscrowd')
    path = os.path.join(root, dataset.ann_file)
    content = check_coco(path, keypoints, masks, needed, annotated=part != 'test_dataloader')
    folder = (dataset.get('data_prefix') or {}).get('img', '')
    folder = folder if '://' in folder else os.path.join(root, folder)
    return Found(content.problems, list(_images(content.images, folder)))


def _images(entries: Any, folder: str) -> Iterator[Image]:
    for entry in entries:
        sides = (entry.get('width'), entry.get('height'))
        size: Any = sides if all(type(side) is int for side in sides) else None
        path = os.path.join(folder, str(file_name(entry)))
        if '://' not in path:  # else the run reads it from where it is
            yield Image(path, size)


def _keypoints(cfg: Config) -> Optional[int]:
    """How many an annotation has, as the head gives; None: it does not say."""
    number = (cfg.model.get('head') or {}).get('out_channels')
    return number if isinstance(number, int) else None
