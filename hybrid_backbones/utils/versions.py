"""What a measured number depends on, to be written down beside it."""

import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Dict

import torch

from ..version import __version__
from .cpuinfo import cpuinfo, extensions

LIBRARIES = ('mmengine', 'mmcv', 'mmcv-lite', 'mmdet', 'mmsegmentation', 'mmpose', 'mmpretrain')
MAINTAINED = (
    'onedl-mmengine',
    'onedl-mmcv',
    'onedl-mmdetection',
    'onedl-mmsegmentation',
    'onedl-mmpretrain',
)
PACKAGES = ('torch', *LIBRARIES, *MAINTAINED)


def versions() -> Dict[str, str]:
    """Of this package, Python, and the libraries that are there."""
    found = {'hybrid_backbones': __version__, 'Python': platform.python_version()}
    installed = {package: installed_version(package) for package in PACKAGES}
    found.update((package, number) for package, number in installed.items() if number)
    return found


def installed_version(package: str) -> str:
    """The version of a distribution, as pip knows it; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ''


def machine(device: str) -> str:
    """What the processor calls itself, and which of its instructions decide about speed."""
    if device == 'cuda':
        return torch.cuda.get_device_name()
    name = cpuinfo('model name') or platform.processor() or platform.machine()
    known = ', '.join(extensions())
    return f'{name} ({known})' if known else name


def where_and_when(device: str) -> Dict[str, Any]:
    """``machine``, ``versions`` and ``date``, to stand beside what is measured on a device."""
    return dict(machine=machine(device), versions=versions(), date=date.today().isoformat())
