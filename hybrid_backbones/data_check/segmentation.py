"""Datasets of mmseg: folders of images and label maps."""

import os
from collections import Counter
from typing import Any, FrozenSet, Optional

from mmengine.config import Config, ConfigDict

from ..config.data import as_list, datasets_of, evaluators_of
from ..config.traverse import kind_of
from ..openmmlab.build import build_listing
from ..openmmlab.dataset_class import setting_of
from .found import Found, Image, spread
from .label_maps import Labels, check_values_of_all
from .problems import Problem

TRAINING, ZERO_LABEL = 'train_dataloader', 'reduce_zero_label'
IGNORED = 255  # by MMSegmentation's heads and metrics, if they say nothing else


def read_segmentation(cfg: Config, part: str, dataset: ConfigDict) -> Found:
    """The images and label maps to look at."""
    built = build_listing('mmseg', dataset)
    if not built.data_list:
        folder = _folder(dataset)
        if dataset.get('ann_file') and os.path.isfile(dataset.ann_file):
            return Found([Problem(dataset.ann_file, 'lists no image')])
        return Found(
            [Problem(folder, f'no image ends in {built.img_suffix}: {suffixes_of(dataset)}')]
        )
    # what a part of the classes leaves out, the dataset maps to the ignored value
    known = built.METAINFO if built.label_map else built.metainfo
    labels = Labels(
        classes=len(known.get('classes') or ()),
        reduce_zero_label=bool(built.reduce_zero_label),
        ignored=ignored_values(cfg, part),
    )
    images = [
        Image(each['img_path'], label_map=each.get('seg_map_path'), labels=labels)
        for each in built.data_list
    ]
    maps = [image.label_map for image in spread(images) if image.label_map]
    problems = [
        check_values_of_all(maps, labels),
        _zero_label(dataset, built),
        _other_zero_label(cfg, part, dataset),
    ]
    return Found([problem for problem in problems if problem], images)


def _zero_label(dataset: ConfigDict, built: Any) -> Optional[Problem]:
    steps = [step for step in dataset.get('pipeline') or () if 'reduce_zero_label' in step]
    for step in steps:
        if step.reduce_zero_label is not None and step.reduce_zero_label != built.reduce_zero_label:
            text = (
                f'{kind_of(step)} has reduce_zero_label={step.reduce_zero_label}, and the dataset'
            )
            return Problem(
                _folder(dataset), f'{text} {built.reduce_zero_label}: leave it to the dataset'
            )
    return None


def _other_zero_label(cfg: Config, part: str, dataset: ConfigDict) -> Optional[Problem]:
    """Where it differs from that in training, the same value is another class."""
    ours = bool(setting_of(cfg, dataset, ZERO_LABEL))
    trained = [bool(setting_of(cfg, each, ZERO_LABEL)) for each in datasets_of(cfg, TRAINING)]
    if part == TRAINING or not trained or ours in trained:
        return None
    text = f'{part} has {ZERO_LABEL}={ours}, and {TRAINING} {trained[0]}: classes differ by one'
    return Problem(_folder(dataset), text)


def ignored_values(cfg: Config, part: str) -> FrozenSet[int]:
    """Values of label maps that do not count: in training by all heads, else by all metrics.

    The dataset's own ``ignore_index`` is what it fills up with; neither of them asks for it.
    """
    if part == 'train_dataloader':
        model: Any = cfg.model
        found = [*as_list(model.get('decode_head')), *as_list(model.get('auxiliary_head'))]
    else:
        found = evaluators_of(cfg, part)
    values = [{node.get('ignore_index', IGNORED)} for node in found] or [{IGNORED}]
    return frozenset(set.intersection(*values))


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
