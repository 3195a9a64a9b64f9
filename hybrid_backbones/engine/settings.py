"""Reading a config, finding its datasets, and checking that their files are there."""

import os
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple

from mmengine.config import Config, ConfigDict

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
EVALUATORS = ('val_evaluator', 'test_evaluator')


class SettingsError(ValueError):
    """A setting that cannot work; the message is one line and says what would."""


def load_config(path: str) -> Config:
    """Read a config file.

    Raises:
        SettingsError: There is no such file, it inherits from a library that is not installed, or
            its code fails.
    """
    if not Path(path).is_file():
        raise SettingsError(f'no config file {path}')
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is code: anything can go wrong in it
        reason = f'{type(error).__name__}: {_one_line(error)}'
        raise SettingsError(f'{path} cannot be read: {reason}') from None
    # `test_dataloader = val_dataloader` makes two names for one dict: separate them
    return Config(cfg._cfg_dict.to_dict(), cfg_text=cfg.text, filename=cfg.filename)


def override(cfg: Config, options: Optional[Dict[str, Any]]) -> None:
    """Apply ``--cfg-options`` in place.

    Raises:
        SettingsError: A key leads through something that is no dict or list, or out of a list.
    """
    for key, value in (options or {}).items():
        try:
            cfg.merge_from_dict({key: value})
        except (KeyError, TypeError, IndexError, AssertionError, ValueError) as error:
            raise SettingsError(f'--cfg-options {key}={value}: {_one_line(error)}') from None


def datasets(cfg: Config) -> Iterator[Tuple[str, ConfigDict]]:
    """The innermost dataset of every dataloader, with the dataloader's name."""
    for part in DATALOADERS:
        outer = (cfg.get(part) or {}).get('dataset')
        for dataset in _innermost(outer):
            yield part, dataset


def relocate(cfg: Config, root: Any) -> None:
    """Point every dataset, and the files that are not named relative to it, to another folder."""
    old_roots = {dataset.get('data_root') or '' for _, dataset in datasets(cfg)}
    for _, dataset in datasets(cfg):
        dataset.data_root = str(root)
        _move(dataset, 'bbox_file', old_roots, root)  # a detector's boxes, for MMPose
    for part in EVALUATORS:
        for metric in _as_list(cfg.get(part)):
            _move(metric, 'ann_file', old_roots, root)


def _move(node: ConfigDict, key: str, old_roots: Iterable[str], root: Any) -> None:
    path = node.get(key)
    for old in filter(None, old_roots):
        if path and path.startswith(old):
            node[key] = os.path.join(str(root), path[len(old) :].lstrip('/'))


def check_data(cfg: Config, parts: Tuple[str, ...]) -> None:
    """See that the files of the dataloaders ``parts`` are there.

    Raises:
        SettingsError: One is not; says where it is expected and how to point elsewhere.
    """
    for part, dataset in datasets(cfg):
        if part not in parts:
            continue
        root = dataset.get('data_root') or ''
        for path in _expected_files(dataset, root):
            if not os.path.exists(path):
                raise SettingsError(
                    f'{path} not found: the data of {part} is expected below {root or "."!r}; '
                    'point elsewhere with --data-root DIR, or use --mini for a tiny drawn set'
                )
    for part in (name.replace('dataloader', 'evaluator') for name in parts):
        for i, metric in enumerate(_as_list(cfg.get(part))):
            path = metric.get('ann_file')
            if path and not os.path.exists(path):
                key = f'{part}.ann_file' if isinstance(cfg[part], dict) else f'{part}.{i}.ann_file'
                raise SettingsError(
                    f'{path} not found: {part} compares with it; it is the ann_file of the '
                    f'dataset, with its folder: --cfg-options {key}=FILE'
                )


def _expected_files(dataset: ConfigDict, root: str) -> Iterator[str]:
    if dataset.get('ann_file'):
        yield os.path.join(root, dataset.ann_file)
    if dataset.get('bbox_file'):
        yield dataset.bbox_file
    prefix = dataset.get('data_prefix') or {}
    for folder in prefix.values() if isinstance(prefix, dict) else [prefix]:
        if isinstance(folder, str):
            yield os.path.join(root, folder)


def _innermost(dataset: Any) -> Iterator[ConfigDict]:
    """Datasets inside wrappers: RepeatDataset (``dataset``), ConcatDataset (``datasets``)."""
    for candidate in _as_list(dataset):
        inner = candidate.get('dataset') or candidate.get('datasets')
        if inner:
            yield from _innermost(inner)
        else:
            yield candidate


def _as_list(value: Any) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
