"""The classes that a config names beside those of its annotation files.

MMDetection numbers classes as they stand in the annotation file and takes their names from the
config. In another order, or with a name that the file does not have, objects get others' names: in
images and in the metrics of each class, while the mean of all looks right.
"""

import json
import os
from typing import Any, List, Tuple

from mmengine.config import Config

from ..errors import ConfigError, as_config_error
from .class_names import read_class_names
from .data import datasets, is_local

SHOWN = 20  # names in a message


def check_class_order(cfg: Config, parts: Tuple[str, ...]) -> None:
    """See that the classes of MMDetection's ``CocoDataset`` are those of its files, in their order.

    Only classes that the config names itself are compared: files of one's own are read for it.

    Args:
        cfg: Any config; its data has been found.
        parts: The dataloaders that will be used.

    Raises:
        ConfigError: They differ; says which would be right.
    """
    if cfg.get('default_scope') != 'mmdet':
        return
    seen = set()
    for part, dataset in datasets(cfg):
        named = (dataset.get('metainfo') or {}).get('classes')
        if part not in parts or not named or not dataset.get('ann_file'):
            continue
        if str(dataset.type).rpartition('.')[2] != 'CocoDataset':
            continue
        path = os.path.join(dataset.get('data_root') or '', dataset.ann_file)
        if not is_local(dataset, path):
            continue
        setting = f'{part}.dataset.metainfo.classes'
        names = read_class_names(named, setting)
        if (path, *names) not in seen:
            seen.add((path, *names))
            compare_classes(setting, names, _categories(path), path)


def compare_classes(setting: str, names: List[str], categories: List[str], path: str) -> None:
    """See that the categories of an annotation file stand in the order of the classes.

    Args:
        setting: Where the classes come from, for the message.
        names: The classes.
        categories: Names in the annotation file; those that are no classes are passed over.
        path: Of the annotation file, for the message.

    Raises:
        ConfigError: They do not; or one is missing.
    """
    missing = [name for name in names if name not in categories]
    if missing:
        raise ConfigError(
            f'{setting} has {_shown(missing)}, which {path} has not: its categories are '
            f'{_shown(categories)}'
        )
    right = [name for name in categories if name in names]
    if names != right:
        raise ConfigError(
            f'{setting} is in another order than the categories of {path}, by which MMDetection '
            f'counts: write {tuple(right)!r}'
        )


def _shown(names: List[str]) -> str:
    more = ', ...' if len(names) > SHOWN else ''
    return ', '.join(map(repr, names[:SHOWN])) + more


def _categories(path: str) -> List[str]:
    what = f'{path} cannot be read as an annotation file of COCO'
    with as_config_error(what, (OSError, ValueError, KeyError, TypeError, RecursionError)):
        with open(path, encoding='utf-8') as file:
            content: Any = json.load(file)
        return [category['name'] for category in content['categories']]
