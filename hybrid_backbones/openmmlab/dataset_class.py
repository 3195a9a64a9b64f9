"""The classes that datasets of a config are built from, and what these say of themselves."""

import inspect
from importlib import import_module
from typing import Any, Dict, List, Optional

from mmengine.config import Config, ConfigDict

from ..config.class_names import read_class_names
from ..config.traverse import kind_of

# what a class may not do in its own way, to read COCO's format as MMDetection and MMPose do;
# those whose names begin with ALSO_COCO read it too
READING = ('load_data_list', '_load_annotations', 'parse_data_info')
ALSO_COCO = ('Coco', 'LVIS', 'Objects365')
BASES = dict(
    mmdet=('mmdet.datasets', 'CocoDataset'),
    mmpose=('mmpose.datasets.datasets.base', 'BaseCocoStyleDataset'),
)


def is_coco(cfg: Config, dataset: ConfigDict) -> bool:
    """Whether the class of a dataset reads COCO's format, also one of the user's own.

    Args:
        cfg: Of mmdet or mmpose, which has been imported.
        dataset: One of its datasets.
    """
    kind, known = kind_of(dataset), _class(cfg, dataset)
    if not isinstance(known, type) or not issubclass(known, _base(cfg)) or 'Panoptic' in kind:
        return False
    return kind.startswith(ALSO_COCO) or inherits_reading(cfg, dataset)


def inherits_reading(cfg: Config, dataset: ConfigDict) -> bool:
    """Whether a dataset in COCO's format reads it as the library's own does."""
    known, base = _class(cfg, dataset), _base(cfg)
    return all(getattr(known, name, None) is getattr(base, name, None) for name in READING)


def metainfo_of(cfg: Config, dataset: ConfigDict) -> Dict[str, Any]:
    """What the class of a dataset says of itself; empty where it is not known."""
    return dict(getattr(_class(cfg, dataset), 'METAINFO', None) or {})


def classes_of(cfg: Config, dataset: ConfigDict, setting: str) -> Optional[List[str]]:
    """The names of a dataset's classes; None if they are not known.

    Args:
        cfg: Of a library that has been imported.
        dataset: One of its datasets.
        setting: Where the config names classes, for the message.

    Raises:
        ConfigError: The config names them by a file that is not there.
    """
    named = (dataset.get('metainfo') or {}).get('classes') or metainfo_of(cfg, dataset).get(
        'classes'
    )
    return read_class_names(named, setting) if named else None


def setting_of(cfg: Config, dataset: ConfigDict, name: str) -> Any:
    """An argument of a dataset: the config's, or what its class takes without one."""
    known = _class(cfg, dataset)
    if name in dataset or not isinstance(known, type):
        return dataset.get(name)
    arguments = [
        inspect.signature(each.__init__).parameters.get(name)  # type: ignore[misc]
        for each in known.__mro__
    ]
    return next((each.default for each in arguments if each), None)


def _class(cfg: Config, dataset: ConfigDict) -> Any:
    kind = dataset.get('type')
    if isinstance(kind, type):
        return kind
    return import_module(f'{cfg.default_scope}.registry').DATASETS.get(kind)


def _base(cfg: Config) -> type:
    module, name = BASES[cfg.default_scope]
    base: type = getattr(import_module(module), name)
    return base
