"""Datasets of mmseg: folders of images and label maps."""

import os
from collections import Counter
from typing import Any, FrozenSet

from mmengine.config import Config, ConfigDict

from ..config.traverse import walk
from ..openmmlab.build import build_listing
from .found import Found, Image, spread
from .label_maps import Labels, check_two_values
from .problems import Problem


def read_segmentation(cfg: Config, part: str, dataset: ConfigDict) -> Found:
    """The images and label maps to look at."""
    built = build_listing('mmseg', dataset)
    if not built.data_list:
        folder = _folder(dataset)
        return Found(
            [Problem(folder, f'no image ends in {built.img_suffix}: {suffixes_of(dataset)}')]
        )
    labels = Labels(
        classes=len(built.metainfo.get('classes') or ()),
        reduce_zero_label=bool(built.reduce_zero_label),
        ignored=ignored_values(cfg, built),
    )
    images = [
        Image(each['img_path'], label_map=each.get('seg_map_path'), labels=labels)
        for each in built.data_list
    ]
    maps = [image.label_map for image in spread(images) if image.label_map]
    problem = check_two_values(maps, labels)
    return Found([problem] if problem else [], images)


def ignored_values(cfg: Config, dataset: Any) -> FrozenSet[int]:
    """Values of label maps that do not count, by the dataset or by the heads."""
    found = [node.get('ignore_index') for _, node in walk(cfg.model)]
    found.append(getattr(dataset, 'ignore_index', 255))
    return frozenset(value for value in found if isinstance(value, int))


def _folder(dataset: ConfigDict) -> str:
    prefix = dataset.get('data_prefix') or {}
    return os.path.join(dataset.get('data_root') or '', prefix.get('img_path') or '')


def suffixes_of(dataset: ConfigDict) -> str:
    """How the files in the folder of images end, and which setting says it."""
    folder = _folder(dataset)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = Counter(os.path.splitext(name)[1] for name in names if '.' in name)
    there = ', '.join(f'{count} {ending}' for ending, count in found.most_common(3)) or 'no files'
    return f'there are {there} in {folder or "."}; img_suffix says how images end'
