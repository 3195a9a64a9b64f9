"""All datasets of a config."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from mmengine.config import Config, ConfigDict

from ..config.data import datasets, evaluators_of, is_local
from ..config.traverse import kind_of
from ..errors import ConfigError
from ..openmmlab.check_classes import check_classes
from ..openmmlab.check_metrics import check_metrics
from ..openmmlab.dataset_class import is_coco
from ..openmmlab.library import import_library, library_of
from .classification import is_listed, read_classification
from .coco_dataset import read_coco
from .found import Found, Image, spread
from .problems import Problem
from .segmentation import read_segmentation

READERS = dict(mmseg=read_segmentation, mmpretrain=read_classification)
CHUNK = 16  # images that a process takes at a time
Track = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass
class Report:
    """What was looked at, and what is wrong.

    Args:
        counts: By what was counted, such as ``'images of train_dataloader'``.
        problems: All of them.
        unchecked: Datasets of which nothing is known here, and why.
    """

    counts: Dict[str, int] = field(default_factory=dict)
    problems: List[Problem] = field(default_factory=list)
    unchecked: List[str] = field(default_factory=list)


def check_dataset(
    cfg: Config,
    parts: Tuple[str, ...],
    *,
    full: bool = False,
    workers: int = 0,
    track: Track = iter,
) -> Report:
    """Look at a config's classes and metrics, and at what its dataloaders will read.

    Args:
        cfg, parts, full, workers, track: See :func:`check_files`.

    Raises:
        ConfigError: The config is for another library.
        ImportError: The library is not installed.
    """
    library_of(cfg)
    settings = list(_settings(cfg, parts))
    report = check_files(cfg, parts, full=full, workers=workers, track=track)
    return replace(report, problems=settings + report.problems)


def check_files(
    cfg: Config,
    parts: Tuple[str, ...],
    *,
    full: bool = False,
    images: bool = True,
    workers: int = 0,
    track: Track = iter,
) -> Report:
    """Look at what the dataloaders of a config will read.

    Args:
        cfg: Of one of the libraries; its files are in place.
        parts: Names of dataloaders.
        full: Every image is decoded to its end; otherwise annotations are read whole, and of images
            the headers of a few.
        images: Look at images at all.
        workers: Processes that decode images; 0: this one.
        track: Wraps the sequence of images, to show progress.

    Raises:
        ConfigError: The config is for another library.
        ImportError: The library is not installed.
    """
    import_library(library_of(cfg))
    report = Report()
    seen = set()
    for part, dataset in datasets(cfg):
        training = part == 'train_dataloader'  # which asks for less
        key = (str(dataset), training or str(evaluators_of(cfg, part)))
        if part not in parts or key in seen:
            continue
        seen.add(key)
        reason = _unknown(cfg, dataset)
        if reason:
            report.unchecked.append(f'{kind_of(dataset)} of {part} is not checked: {reason}')
            continue
        found = _read(cfg, part, dataset)
        count = f'images of {part}'
        report.counts[count] = report.counts.get(count, 0) + len(found.images)
        problems = [*found.problems, *_look(found.images if images else [], full, workers, track)]
        known = set(report.problems)
        report.problems += [problem for problem in problems if problem not in known]
    return report


def _settings(cfg: Config, parts: Tuple[str, ...]) -> Iterator[Problem]:
    """What the config alone says of its classes and metrics."""
    for check in (partial(check_classes, cfg, parts), partial(check_metrics, cfg)):
        try:
            check()
        except ConfigError as error:
            yield Problem(str(cfg.filename or 'the config'), str(error))


def _unknown(cfg: Config, dataset: ConfigDict) -> str:
    """Why a dataset cannot be checked; empty if it can."""
    if cfg.default_scope == 'mmseg':
        local = is_local(dataset, dataset.get('data_root') or '')
        return '' if local else 'its files are on another machine, where folders cannot be listed'
    if cfg.default_scope == 'mmpretrain':
        return '' if is_listed(dataset) else 'its images are not listed by folders or in a file'
    if not is_coco(cfg, dataset):
        return "it is not in COCO's format"
    return '' if dataset.get('ann_file') else 'it has no ann_file'


def _read(cfg: Config, part: str, dataset: ConfigDict) -> Found:
    return READERS.get(cfg.default_scope, read_coco)(cfg, part, dataset)


def _look(images: List[Image], full: bool, workers: int, track: Track) -> List[Problem]:
    if not full:
        return [problem for problem in map(_check_header, spread(images)) if problem]
    if not images:
        return []
    if not workers:
        return [problem for problem in map(_check_whole, track(images)) if problem]
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(_check_whole, images, chunksize=CHUNK)
        return [problem for problem, _ in zip(results, track(images)) if problem]


def _check(image: Image, whole: bool) -> Optional[Problem]:
    return image.check(whole)


_check_header, _check_whole = partial(_check, whole=False), partial(_check, whole=True)
