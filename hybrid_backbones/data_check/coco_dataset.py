"""Datasets in COCO's format, of mmdet and mmpose."""

import os
from typing import Any, Iterator, Optional, Tuple

from mmengine.config import Config, ConfigDict

from ..config.class_order import compare_classes
from ..config.data import as_list, evaluators_of
from ..config.traverse import kind_of, walk
from ..errors import ConfigError
from ..openmmlab.dataset_class import classes_of, inherits_reading
from .coco import CocoFile, check_coco, file_name
from .fetched import Backend
from .found import Found, Image
from .ground_truth import check_ground_truth
from .problems import Problem

# mmpose's with other lists of keypoints beside the first
WITH_PARTS = ('CocoWholeBodyDataset', 'HalpeDataset', 'UBody2dDataset')


def read_coco(cfg: Config, part: str, dataset: ConfigDict) -> Found:
    """Problems of the annotation file, and the images to look at."""
    root = dataset.get('data_root') or ''
    keypoints = None
    if cfg.default_scope == 'mmpose' and kind_of(dataset) not in WITH_PARTS:
        keypoints = _keypoints(cfg)
    masks = _reads_masks(cfg, part, dataset)
    # mmdet's datasets read the area in training too
    needed: Tuple[str, ...] = ('area',) if cfg.default_scope == 'mmdet' else ()
    if part != 'train_dataloader':
        needed = ('area',) if kind_of(dataset).startswith('LVIS') else ('area', 'iscrowd')
    path = _join(root, dataset.ann_file)
    content = check_coco(
        path,
        keypoints,
        masks,
        needed,
        annotated=part != 'test_dataloader',
        backend_args=dataset.get('backend_args'),
    )
    problems = [
        *content.problems,
        *_classes(cfg, part, dataset, content, path),
        *check_ground_truth(cfg, part, content, path),
    ]
    if part == 'train_dataloader' and not content.learnable and not content.problems:
        problems.append(Problem(path, _nothing_to_learn(content)))
    folder = _join(root, (dataset.get('data_prefix') or {}).get('img', ''))
    return Found(problems, list(_images(content.images, folder, _loading(dataset))))


def _nothing_to_learn(content: CocoFile) -> str:
    if not content.annotations:
        return 'has no annotations, of which training could learn'
    return (
        f'none of the {content.annotations} annotations is learned from: they are crowds, without '
        'area, or smaller than a pixel (boxes are in pixels, not in fractions of the image)'
    )


def _join(folder: str, path: str) -> str:
    return path if '://' in path else os.path.join(folder, path)


def _loading(dataset: ConfigDict) -> Backend:
    """How the pipeline reads images."""
    steps = (step for _, step in walk(dataset.get('pipeline')))
    return next((step.backend_args for step in steps if step.get('backend_args')), None)


def _reads_masks(cfg: Config, part: str, dataset: ConfigDict) -> bool:
    """Whether training or evaluation asks for masks."""
    if any(step.get('with_mask') for _, step in walk(dataset.get('pipeline'))):
        return True
    return any('segm' in as_list(metric.get('metric')) for metric in evaluators_of(cfg, part))


def _classes(
    cfg: Config, part: str, dataset: ConfigDict, content: CocoFile, path: str
) -> Iterator[Problem]:
    """MMDetection counts classes as they stand in the file, and names them by the dataset's."""
    setting = f'{part}.dataset.metainfo.classes'
    names = classes_of(cfg, dataset, setting)
    if cfg.default_scope != 'mmdet' or not content.categories or not names:
        return
    if not inherits_reading(cfg, dataset):  # LVIS counts by the ids alone
        return
    if not (dataset.get('metainfo') or {}).get('classes'):
        setting = f'{kind_of(dataset)}, without {setting},'
    try:
        compare_classes(setting, names, content.categories, path)
    except ConfigError as error:
        yield Problem(path, str(error))


def _images(entries: Any, folder: str, backend_args: Backend) -> Iterator[Image]:
    for entry in entries:
        sides = (entry.get('width'), entry.get('height'))
        size: Any = sides if all(type(side) is int for side in sides) else None
        yield Image(_join(folder, str(file_name(entry))), size, backend_args=backend_args)


def _keypoints(cfg: Config) -> Optional[int]:
    """How many an annotation has, as the head gives; None: it does not say."""
    number = (cfg.model.get('head') or {}).get('out_channels')
    return number if isinstance(number, int) else None
