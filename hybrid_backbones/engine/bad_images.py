"""Going on in spite of a few images that cannot be read."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.registry import TRANSFORMS as ALL_TRANSFORMS

from ..config.data import datasets, datasets_of
from ..config.traverse import kind_of
from ..data_check.found import Image
from ..errors import ConfigError, one_line
from ..openmmlab.build import build_listing
from ..registry import TRANSFORMS
from .process_group import is_first_process

FOLDER = 'skipped_images'  # in the work directory: one small file for each, with its path


def skip_in_training(cfg: Config, limit: int) -> List[str]:
    """Let up to ``limit`` unreadable images of the training set be replaced by others.

    Unreadable images of the validation set are left out of it (:func:`leave_out`).

    Args:
        cfg: With its ``work_dir``; changed in place.
        limit: How many images of all sets may be unreadable.

    Returns:
        Lines for the log.

    Raises:
        ConfigError: More of the validation set cannot be read.
    """
    folder = Path(cfg.work_dir) / FOLDER
    if is_first_process():
        shutil.rmtree(folder, ignore_errors=True)
    notes = leave_out(cfg, ('val_dataloader',), limit)
    for dataset in datasets_of(cfg, 'train_dataloader'):
        steps = dataset.get('pipeline') or ()
        dataset.pipeline = [_tolerant(step, folder, limit) for step in steps]
    return notes


def leave_out(cfg: Config, parts: Tuple[str, ...], limit: int) -> List[str]:
    """Leave unreadable images out of datasets that are evaluated.

    Every image is decoded once. A metric is then over less than the whole set, which is said.

    Args:
        cfg: Its datasets get ``indices``.
        parts: The dataloaders.
        limit: How many images may be unreadable.

    Returns:
        Lines that belong beside the metric.

    Raises:
        ConfigError: More images are.
    """
    notes = []
    bad: Dict[str, str] = {}
    for part, dataset in datasets(cfg):
        if part not in parts:
            continue
        entries, places = _entries(cfg, dataset)
        bad.update(_problems(entries))
        if len(bad) > max(limit, 0):
            first = next(iter(bad))
            raise ConfigError(
                f'{len(bad)} images of {part} cannot be read, more than the {limit} that '
                f'`skip_bad_images` allows: {first}: {bad[first]}'
            )
        good = [place for entry, place in zip(entries, places) if entry['img_path'] not in bad]
        if len(good) < len(entries):
            dataset.indices = good
            notes.append(
                f'{len(entries) - len(good)} of {len(entries)} entries of {part} are left out, and '
                f'metrics are not those of the whole set: {"; ".join(map(": ".join, bad.items()))}'
            )
    return notes


def _entries(cfg: Config, dataset: ConfigDict) -> Tuple[List[Dict[str, Any]], List[int]]:
    """The dataset's list, and the place of each entry in the list before ``indices``."""
    indices = dataset.get('indices')
    if isinstance(indices, int) and indices < 0:  # from the end
        dataset = ConfigDict({**dataset, 'indices': None})
        entries = build_listing(cfg.default_scope, dataset).data_list
        return entries[indices:], list(range(len(entries)))[indices:]
    entries = build_listing(cfg.default_scope, dataset).data_list
    places = list(indices) if isinstance(indices, (list, tuple)) else list(range(len(entries)))
    return entries, places


def _problems(entries: List[Dict[str, Any]]) -> Dict[str, str]:
    images = {
        entry['img_path']: Image(entry['img_path'], label_map=entry.get('seg_map_path'))
        for entry in entries
    }
    found = {path: image.check(whole=True) for path, image in images.items()}
    return {path: problem.text for path, problem in found.items() if problem}


def _tolerant(step: ConfigDict, folder: Path, limit: int) -> ConfigDict:
    if not kind_of(step).startswith('Load'):
        return step
    return ConfigDict(
        type='hybrid_backbones.SkipBadImages', load=step, folder=str(folder), limit=limit
    )


@TRANSFORMS.register_module()
class SkipBadImages:
    """A step that loads a file; where it fails, a dataset in training takes another image.

    Args:
        load: The step, as in a pipeline.
        folder: Where the images that were skipped are noted, for all processes.
        limit: How many may be.
    """

    def __init__(self, load: Dict[str, Any], folder: str, limit: int):
        self.load = ALL_TRANSFORMS.build(load)
        self.folder = Path(folder)
        self.limit = limit

    def __call__(self, results: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """What the step gives, or None.

        Raises:
            ConfigError: This is one image too many.
        """
        path = str(results.get('img_path'))
        try:
            loaded: Optional[Dict[str, Any]] = self.load(results)
            return loaded
        except Exception as error:  # a reader raises anything
            self._note(path, one_line(error))
            return None

    def _note(self, path: str, reason: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        with suppress(FileExistsError), open(self.folder / name, 'x', encoding='utf-8') as file:
            file.write(f'{path}: {reason}\n')
            print_log(f'skipped, since it cannot be read: {path}: {reason}', logger='current')
        count = len(list(self.folder.iterdir()))
        if count > self.limit:
            raise ConfigError(
                f'{count} images cannot be read, more than the {self.limit} that '
                f'`skip_bad_images` allows: {self.folder} names them'
            )
