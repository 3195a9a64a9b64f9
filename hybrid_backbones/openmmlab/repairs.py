"""What breaks in OpenMMLab's libraries on newer Pythons and torches, repaired in one place.

Only what is missing is put in place; each repair says from which version on it is needed.
"""

import importlib.util
import os
import sys
import warnings
from functools import cache
from importlib import metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Optional

import numpy as np
import torch
from mmengine.config import config as mmengine_config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.runner import checkpoint as mmengine_checkpoint

from ..utils.versions import installed_version
from ..weights.allowed import globals_of_mmengine
from ..weights.open_file import torch_is_trusted
from .torchvision import repair_torchvision


@cache
def repair() -> None:
    """Make all repairs, once."""
    repair_torchvision()
    repair_pkg_resources()
    repair_checkpoints()
    find_maintained_packages()
    find_bases_at_once()
    quiet_optional_packages()


def repair_pkg_resources() -> None:
    """Give mmengine 0.10.7 the few names of ``pkg_resources`` that it asks for.

    A virtual environment has no setuptools from Python 3.12 on, and setuptools has no
    ``pkg_resources`` from version 82 on; versions before that warn of it.
    """
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
    if importlib.util.find_spec('pkg_resources') is None:
        sys.meta_path.append(_PkgResources())  # a finder, since mmengine reloads the module


def repair_checkpoints() -> None:
    """Let ``torch.load`` read the checkpoints that mmengine 0.10.7 saves.

    From torch 2.6 on it reads weights only, and mmengine puts its history of losses beside them.
    onedl-mmengine 0.10.12 allows numpy's own functions for this while it reads, and any
    ``getattr``; torch then takes some of them and some of ours, which do not fit each other.
    """
    if torch_is_trusted():  # before there is no need
        torch.serialization.add_safe_globals(globals_of_mmengine())
        if hasattr(mmengine_checkpoint, 'get_torch_safe_globals'):
            setattr(mmengine_checkpoint, 'get_torch_safe_globals', list)  # noqa: B010


def find_maintained_packages() -> None:
    """Let bases such as ``mmseg::_base_/models/...`` come from ``onedl-mmsegmentation`` too.

    mmengine 0.10.7 and onedl-mmengine 0.10.12 ask for the distribution ``mmsegmentation``; the
    maintained one has the same modules and another name.
    """
    for module, package in MODULE2PACKAGE.items():
        maintained = f'onedl-{package}'
        if module != package and not installed_version(package) and installed_version(maintained):
            MODULE2PACKAGE[module] = maintained


def quiet_optional_packages() -> None:
    """Leave out a warning of onedl-mmdetection 3.5.1 at each import, whatever is run.

    It says that ``faster_coco_eval`` is not installed, which only ``FasterCocoMetric`` needs.
    """
    warnings.filterwarnings('ignore', message='faster_coco_eval is not installed')


def find_bases_at_once() -> None:
    """Take a base such as ``mmdet::_base_/models/...`` from the library's folder of configs.

    mmengine 0.10.7 reads every metafile of the library before, for each base anew: more than nine
    tenths of the time that reading a config takes. It still does where the file is elsewhere.
    """
    slow = getattr(mmengine_config, '_get_external_cfg_path', None)
    if slow is None or slow.__module__ == __name__:
        return

    def quick(package_path: str, cfg_file: str) -> str:
        path = os.path.join(package_path, '.mim', 'configs', cfg_file)
        return path if os.path.isfile(path) else str(slow(package_path, cfg_file))

    setattr(mmengine_config, '_get_external_cfg_path', quick)  # noqa: B010


def repair_circles() -> None:
    """Let MMPose 1.3.2 draw keypoints with numpy 2.5, which makes no number of an array of one.

    MMPose must have been imported.
    """
    drawing = sys.modules.get('mmpose.visualization.opencv_backend_visualizer')
    if drawing is None or np.lib.NumpyVersion(np.__version__) < '2.5.0':
        return
    visualizer = drawing.OpencvBackendVisualizer
    draw = visualizer.draw_circles
    if draw.__module__ == __name__:
        return

    def draw_circles(self: Any, center: Any, radius: Any, *args: Any, **kwargs: Any) -> Any:
        # matplotlib wants a radius for each circle, OpenCV draws one circle
        scalar = self.backend == 'opencv' and np.size(radius) == 1
        return draw(self, center, np.ravel(radius)[0] if scalar else radius, *args, **kwargs)

    setattr(visualizer, 'draw_circles', draw_circles)  # noqa: B010


class _PkgResources(MetaPathFinder, Loader):
    """Finds and fills a module that stands in for ``pkg_resources``."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        return ModuleSpec(name, self, origin=__name__) if name == 'pkg_resources' else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # an ordinary one

    def exec_module(self, module: ModuleType) -> None:
        names = dict(
            DistributionNotFound=metadata.PackageNotFoundError, get_distribution=_Distribution
        )
        vars(module).update(names)


class _Distribution:
    """What mmengine asks of an installed distribution.

    Args:
        name: As pip knows it.

    Raises:
        PackageNotFoundError: It is not installed.
    """

    def __init__(self, name: str):
        self._found = metadata.distribution(name)
        self.version = self._found.version
        self.location = str(self._found.locate_file(''))

    def has_metadata(self, name: str) -> bool:
        return self._found.read_text(name) is not None

    def get_metadata(self, name: str) -> str:
        return self._found.read_text(name) or ''
