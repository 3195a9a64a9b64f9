"""The datasets of a config, and whether their files are there."""

import os
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Tuple

from mmengine.config import Config, ConfigDict

from ..errors import ConfigError

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
EVALUATORS = ('val_evaluator', 'test_evaluator')


def datasets(cfg: Config) -> Iterator[Tuple[str, ConfigDict]]:
    """The innermost dataset of every dataloader, with the dataloader's name."""
    for part in DATALOADERS:
        outer = (cfg.get(part) or {}).get('dataset')
        for dataset in _innermost(outer):
            yield part, dataset


def datasets_of(cfg: Config, part: str) -> List[ConfigDict]:
    """The innermost datasets of one dataloader."""
    return [dataset for name, dataset in datasets(cfg) if name == part]


def evaluator_of(part: str) -> str:
    """The key of the evaluator that goes with a dataloader."""
    return part.replace('dataloader', 'evaluator')


def evaluators_of(cfg: Config, part: str) -> List[Any]:
    """The metrics that go with a dataloader."""
    return as_list(cfg.get(evaluator_of(part)))


def check_one_root(cfg: Config) -> None:
    """See that a config has one dataset, which can be moved.

    Raises:
        ConfigError: Its datasets lie in several folders: moved, one would be taken for another.
    """
    roots = {os.path.normpath(dataset.get('data_root') or '.') for _, dataset in datasets(cfg)}
    if len(roots) > 1:
        raise ConfigError(
            f'`data_root` moves one dataset, and this config has {len(roots)}: '
            f'{", ".join(sorted(roots))}; set the data_root of each with `cfg_options`'
        )


def relocate(cfg: Config, root: Any) -> None:
    """Point every dataset, and the files that are not named relative to it, to another folder."""
    old_roots = {dataset.get('data_root') or '' for _, dataset in datasets(cfg)}
    for _, dataset in datasets(cfg):
        dataset.data_root = str(root)
        _move(dataset, 'bbox_file', old_roots, root)  # a detector's boxes, for MMPose
    for part in EVALUATORS:
        for metric in as_list(cfg.get(part)):
            _move(metric, 'ann_file', old_roots, root)


def _move(node: ConfigDict, key: str, old_roots: Iterable[str], root: Any) -> None:
    path = node.get(key)
    for old in filter(None, old_roots):
        if path and path.startswith(old):
            node[key] = os.path.join(str(root), path[len(old) :].lstrip('/'))


def check_data(cfg: Config, parts: Tuple[str, ...]) -> None:
    """See that the files of the dataloaders ``parts`` are there.

    Raises:
        ConfigError: One is not; says where it is expected and how to point elsewhere.
    """
    for part, dataset in datasets(cfg):
        if part not in parts:
            continue
        root = dataset.get('data_root') or ''
        for path in _expected_files(dataset, root):
            if is_local(dataset, path) and not os.path.exists(path):
                raise ConfigError(
                    f'{path} not found: the data of {part} is expected below {root or "."!r}; '
                    'point elsewhere with `data_root=DIR`, or use `mini=True` for synthetic data'
                )
    for part in map(evaluator_of, parts):
        for i, metric in enumerate(as_list(cfg.get(part))):
            path = metric.get('ann_file')
            if path and is_local(metric, path) and not os.path.exists(path):
                key = f'{part}.ann_file' if isinstance(cfg[part], dict) else f'{part}.{i}.ann_file'
                raise ConfigError(
                    f'{path} not found: {part} compares with it; it is the ann_file of the '
                    f'dataset, with its folder: set {key}=FILE'
                )


def check_not_data(cfg: Config, output: str, setting: str) -> None:
    """See that results are not written over data.

    Args:
        cfg: Of which the data is.
        output: A file that will be written, or a folder in which images will be.
        setting: The argument that names it, for the message.

    Raises:
        ConfigError: It is a file of the data, or in a folder of its images.
    """
    target = Path(output).resolve()
    paths = [
        path
        for _, dataset in datasets(cfg)
        for path in _expected_files(dataset, dataset.get('data_root') or '')
    ]
    paths += [each.get('ann_file') for part in EVALUATORS for each in as_list(cfg.get(part))]
    for path in filter(None, paths):
        place = Path(path).resolve()
        inside = place in (target, *target.parents) if place.is_dir() else place == target
        if inside and not (place.is_dir() and target.suffix):
            raise ConfigError(f'`{setting}`: {output} is data of the config; choose another place')


def is_local(node: ConfigDict, path: str) -> bool:
    """Whether a file of a dataset or metric is on this machine: mmengine reads from others too."""
    backends = [node.get('backend_args'), node.get('file_client_args')]
    backends += [step.get('backend_args') for step in node.get('pipeline') or ()]
    remote = [each for each in backends if each and each.get('backend', 'local') != 'local']
    return '://' not in path and not remote


def _expected_files(dataset: ConfigDict, root: str) -> Iterator[str]:
    if dataset.get('ann_file'):
        yield os.path.join(root, dataset.ann_file)
    if dataset.get('bbox_file'):
        yield dataset.bbox_file
    prefix = dataset.get('data_prefix') or {}
    for folder in prefix.values() if isinstance(prefix, dict) else [prefix]:
        if isinstance(folder, str):
            yield os.path.join(root, folder)
    if not prefix and dataset.get('split'):  # MMPretrain's name of a folder
        yield os.path.join(root, dataset.split)


def _innermost(dataset: Any) -> Iterator[ConfigDict]:
    """Datasets inside wrappers: RepeatDataset (``dataset``), ConcatDataset (``datasets``)."""
    for candidate in as_list(dataset):
        inner = candidate.get('dataset') or candidate.get('datasets')
        if inner:
            yield from _innermost(inner)
        else:
            yield candidate


def as_list(value: Any) -> List[Any]:
    """A setting that may be one thing, several, or none."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
