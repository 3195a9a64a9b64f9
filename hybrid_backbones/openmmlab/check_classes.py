"""Whether datasets and heads of a config speak of the same classes.

The libraries do not look. A head with too few never learns the others; one with too many finds what
no dataset has; and a validation set of other classes fails after the first epoch, or means others.
"""

import warnings
from importlib import import_module
from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmengine.config import Config, ConfigDict

from ..config.data import datasets
from ..config.traverse import kind_of, walk
from ..errors import ConfigError
from .dataset_class import classes_of, metainfo_of
from .library import LIBRARIES, import_library

HEADS = ('bbox_head', 'mask_head', 'decode_head', 'auxiliary_head')  # not RPNs, not panoptic ones
OF_CLASSIFIERS = ('head',)
SHOWN = 3  # names in a message


def check_classes(cfg: Config, parts: Tuple[str, ...]) -> None:
    """Compare the classes of datasets with each other and with the heads; keypoints likewise.

    Args:
        cfg: Any config; those of other libraries are passed over.
        parts: The dataloaders that will be used.

    Raises:
        ConfigError: They differ; says what would be right.
    """
    library = cfg.get('default_scope')
    if library not in LIBRARIES or not cfg.get('model'):
        return
    import_library(library)
    if library == 'mmpose':
        _check_keypoints(cfg, parts)
        return
    named = _classes(cfg, parts)
    if not named:
        return
    first, *others = named
    for part in others:
        if len(named[part]) != len(named[first]):
            raise ConfigError(
                f'the dataset of {part} has {_shown(named[part])}, that of {first} '
                f'{_shown(named[first])}: set {part}.dataset.metainfo.classes as in {first}'
            )
        if named[part] != named[first]:
            index, ours, theirs = _first_difference(named[part], named[first])
            raise ConfigError(
                f'class {index} of {part} is {ours!r}, that of {first} {theirs!r}: a model '
                'learns the ones and is measured by the others; name them alike and in one order'
            )
    for key, head in _heads(cfg):
        if head.num_classes != len(named[first]):
            raise ConfigError(
                f'{key}.num_classes is {head.num_classes}, and the dataset of {first} has '
                f'{_shown(named[first])}: set {key}.num_classes={len(named[first])}'
            )


def _first_difference(ours: List[str], theirs: List[str]) -> Tuple[int, str, str]:
    return next((i, a, b) for i, (a, b) in enumerate(zip(ours, theirs)) if a != b)


def _shown(names: List[str]) -> str:
    more = ', ...' if len(names) > SHOWN else ''
    return f'{len(names)} classes ({", ".join(names[:SHOWN])}{more})'


def _classes(cfg: Config, parts: Tuple[str, ...]) -> Dict[str, List[str]]:
    """Of each dataloader; those of unknown datasets, or of several that differ, are left out."""
    found: Dict[str, List[str]] = {}
    unclear = set()
    for part, dataset in datasets(cfg):
        names = _names(cfg, part, dataset) if part in parts else None
        if names is None or found.get(part, names) != names:
            unclear.add(part)
        else:
            found[part] = names
    return {part: names for part, names in found.items() if part not in unclear}


def _names(cfg: Config, part: str, dataset: ConfigDict) -> Optional[List[str]]:
    named = (dataset.get('metainfo') or {}).get('classes')
    if not named and 'thing_classes' in metainfo_of(cfg, dataset):
        return None  # panoptic: heads have a part of the classes
    return classes_of(cfg, dataset, f'{part}.dataset.metainfo.classes')


def _heads(cfg: Config) -> Iterator[Tuple[str, ConfigDict]]:
    heads = OF_CLASSIFIERS if cfg.default_scope == 'mmpretrain' else HEADS
    for path, node in walk(cfg.model, ('model',)):
        names = [key for key in path if isinstance(key, str)]
        if names[-1] in heads and isinstance(node.get('num_classes'), int):
            if not node.get('class_agnostic'):
                yield '.'.join(map(str, path)), node


def _check_keypoints(cfg: Config, parts: Tuple[str, ...]) -> None:
    head: Any = cfg.model.get('head') or {}
    if kind_of(head) != 'HeatmapHead' or not isinstance(head.get('out_channels'), int):
        return
    parse = import_module('mmpose.datasets.datasets.utils').parse_pose_metainfo
    for part, dataset in datasets(cfg):
        metainfo = dataset.get('metainfo') or metainfo_of(cfg, dataset)
        if part not in parts or not metainfo:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # MMPose's, of where it finds the file
            keypoints = parse(dict(metainfo))['num_keypoints']
        if head.out_channels != keypoints:
            raise ConfigError(
                f'model.head.out_channels is {head.out_channels}, and the dataset of {part} has '
                f'{keypoints} keypoints: set model.head.out_channels={keypoints}'
            )
