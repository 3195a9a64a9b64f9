"""What a measured number depends on, to be written down beside it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Dict

from .. import __version__

PACKAGES = ('torch', 'mmengine', 'mmcv', 'mmdet', 'mmsegmentation', 'mmpose')


def versions() -> Dict[str, str]:
    """Of this package, Python, and the libraries that are there."""
    found = {'hybrid_backbones': __version__, 'Python': platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
