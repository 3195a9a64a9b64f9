"""Datasets of mmpretrain whose images are files, with a class each."""

from typing import Any

from mmengine.config import Config, ConfigDict

from ..errors import as_config_error
from ..openmmlab.build import build_listing
from .found import Found, Image
from .problems import Problem


def is_listed(dataset: ConfigDict) -> bool:
    """Whether a dataset is MMPretrain's ``CustomDataset``, or one like it."""
    from mmpretrain.datasets import CustomDataset
    from mmpretrain.registry import DATASETS

    kind: Any = dataset.get('type')
    known = kind if isinstance(kind, type) else DATASETS.get(kind)
    return isinstance(known, type) and issubclass(known, CustomDataset)


def read_classification(cfg: Config, part: str, dataset: ConfigDict) -> Found:
    """The images to look at, and those whose class is none of the dataset's.

    Raises:
        ConfigError: The list cannot be read, or folders are not as many as classes.
    """
    with as_config_error(f'the data of {part} cannot be read'):
        built = build_listing('mmpretrain', dataset)
    classes = len(built.metainfo.get('classes') or ())
    found = Found(images=[Image(each['img_path']) for each in built.data_list])
    if not classes:
        return found
    for each in built.data_list:
        label = each.get('gt_label', 0)
        if not 0 <= label < classes:
            text = f'has the class {label}; there are {classes}, from 0 on'
            found.problems.append(Problem(each['img_path'], text))
    return found
