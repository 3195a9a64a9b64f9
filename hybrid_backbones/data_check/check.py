"""All datasets of a config."""

import os
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple

from mmengine.config import Config, ConfigDict

from ..config.data import datasets, is_local
from ..config.traverse import kind_of, walk
from ..openmmlab.library import import_library, library_of
from .coco import check_coco
from .images import check_image
from .label_maps import check_label_map, same_size
from .problems import Problem

SAMPLED = 50  # images of a dataset that the quick form looks at
Track = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass
class Report:
    """What was looked at, and what is wrong.

    Args:
        counts: By what was counted, such as ``'images of train_dataloader'``.
        problems: All of them.
    """

    counts: Dict[str, int] = field(default_factory=dict)
    problems: List[Problem] = field(default_factory=list)


def check_dataset(
    cfg: Config, parts: Tuple[str, ...], *, full: bool = False, track: Track = iter
) -> Report:
    """Look at what the dataloaders of a config will read, and the metrics behind them.

    Args:
        cfg: Of mmdet, mmseg or mmpose; its files are in place.
        parts: Names of dataloaders.
        full: Every image is decoded to its end; otherwise annotations are read whole, and of images
            the headers of a few.
        track: Wraps the sequence of images, to show progress.

    Raises:
        ConfigError: The config is for another library.
        ImportError: The library is not installed.
    """
    library = library_of(cfg)
    import_library(library)
    report = Report()
    seen = set()
    for part, dataset in datasets(cfg):
        root = dataset.get('data_root') or ''
        key = (root, str(dataset.get('ann_file')), str(dataset.get('data_prefix')))
        if part not in parts or key in seen or not is_local(dataset, root):
            continue
        seen.add(key)
        check = _segmentation if library == 'mmseg' else _coco
        for problem in check(cfg, part, dataset, report.counts, full, track):
            if problem not in report.problems:
                report.problems.append(problem)
    return report


def _coco(
    cfg: Config,
    part: str,
    dataset: ConfigDict,
    counts: Dict[str, int],
    full: bool,
    track: Track,
) -> Iterator[Problem]:
    if not dataset.get('ann_file') or not kind_of(dataset).startswith('Coco'):
        return
    root = dataset.get('data_root') or ''
    keypoints = _keypoints(cfg, dataset) if cfg.default_scope == 'mmpose' else None
    masks = any('Mask' in kind_of(node) for _, node in walk(cfg.model))
    found = check_coco(os.path.join(root, dataset.ann_file), keypoints, masks)
    yield from found.problems
    folder = os.path.join(root, (dataset.get('data_prefix') or {}).get('img', ''))
    counts[f'images of {part}'] = len(found.images)
    chosen = found.images if full else _spread(found.images)
    for image in track(chosen) if full and chosen else chosen:
        sides = (image.get('width'), image.get('height'))
        size: Any = sides if all(type(side) is int for side in sides) else None
        problem = check_image(os.path.join(folder, image['file_name']), size, full)
        if problem:
            yield problem


def _keypoints(cfg: Config, dataset: ConfigDict) -> int:
    """How many an annotation has: as the head gives, or COCO's."""
    number = (cfg.model.get('head') or {}).get('out_channels')
    return number if isinstance(number, int) else 17


def _spread(items: List[Any]) -> List[Any]:
    """A few, from the first to the last."""
    if len(items) <= SAMPLED:
        return items
    return [items[i * (len(items) - 1) // (SAMPLED - 1)] for i in range(SAMPLED)]


def _segmentation(
    cfg: Config,
    part: str,
    dataset: ConfigDict,
    counts: Dict[str, int],
    full: bool,
    track: Track,
) -> Iterator[Problem]:
    registry = import_module('mmseg.registry').DATASETS
    given = dict(dataset.to_dict(), lazy_init=False, serialize_data=False, pipeline=[])
    built = registry.build(given)
    pairs = [(each['img_path'], each.get('seg_map_path')) for each in built.data_list]
    counts[f'images of {part}'] = len(pairs)
    if not pairs:
        yield _nothing(dataset, built.img_suffix)
        return
    classes = len(built.metainfo.get('classes') or ())
    ignored = {built.ignore_index, *_ignored_by(cfg)}
    chosen = pairs if full else _spread(pairs)
    for image, label_map in track(chosen) if full else chosen:
        problem = check_image(image, None, full)
        if problem:
            yield problem
        elif label_map:
            wrong = check_image(label_map) or check_label_map(
                label_map, classes, bool(built.reduce_zero_label), ignored
            )
            wrong = wrong or same_size(image, label_map)
            if wrong:
                yield wrong


def _ignored_by(cfg: Config) -> Iterator[int]:
    for _, node in walk(cfg.model):
        if isinstance(node.get('ignore_index'), int):
            yield node.ignore_index


def _nothing(dataset: ConfigDict, suffix: str) -> Problem:
    """A folder in which no file has the suffix: which there are."""
    prefix = dataset.get('data_prefix') or {}
    folder = os.path.join(dataset.get('data_root') or '', prefix.get('img_path') or '')
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = Counter(os.path.splitext(name)[1] for name in names if '.' in name)
    there = ', '.join(f'{count} {ending}' for ending, count in found.most_common(3)) or 'no files'
    return Problem(folder, f'no image ends in {suffix}; there are {there}: set img_suffix')
