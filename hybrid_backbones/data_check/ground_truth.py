"""The annotation files with which evaluators compare."""

import os
from typing import Iterator, Set, Tuple

from mmengine.config import Config

from ..config.data import datasets_of, evaluator_of, evaluators_of
from ..config.traverse import kind_of
from .coco import CocoFile, check_coco, file_name
from .problems import Problem


def check_ground_truth(cfg: Config, part: str, content: CocoFile, path: str) -> Iterator[Problem]:
    """Faults of the files with which metrics compare, if these are others than the dataset's.

    Args:
        cfg: Of mmdet or mmpose.
        part: The dataloader.
        content, path: The annotation file of its dataset.
    """
    if part == 'train_dataloader' or len(datasets_of(cfg, part)) > 1:
        return
    for metric in evaluators_of(cfg, part):
        other = metric.get('ann_file')
        if not kind_of(metric).startswith(('Coco', 'LVIS')) or not isinstance(other, str):
            continue
        if os.path.normpath(other) == os.path.normpath(path):
            continue
        found = check_coco(other, backend_args=metric.get('backend_args'))
        yield from found.problems
        if found.categories != content.categories and not found.problems:
            text = f'has other categories than {path}, or in another order'
            yield Problem(other, f"{text}: objects get others' classes")
        missing = _named(content) - _named(found)
        if missing and not found.problems:
            yield Problem(
                other,
                f'has not {len(missing)} of the {len(content.images)} images of {path}, image '
                f'{min(map(str, missing))} for one: {evaluator_of(part)} compares with it',
            )


def _named(content: CocoFile) -> Set[Tuple[str, str]]:
    """Images by id and name, in whatever folder."""
    named = ((each.get('id'), str(file_name(each))) for each in content.images)
    return {(str(number), name.rpartition('/')[2]) for number, name in named}
