"""What a measured number depends on, to be written down beside it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Dict

import torch

from ..version import __version__

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
    """What the processor calls itself."""
    if device == 'cuda':
        return torch.cuda.get_device_name()
    cpuinfo = Path('/proc/cpuinfo')
    for line in cpuinfo.read_text(encoding='utf-8').splitlines() if cpuinfo.is_file() else []:
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()
