"""Packages that only some functions need, and how to install them."""

from importlib.util import find_spec
from typing import List, Optional

OPENMMLAB = "pip install 'hybrid_backbones[openmmlab]'"
LIBRARIES = {
    'mmcv': ('MMCV', OPENMMLAB),
    'mmdet': ('MMDetection', OPENMMLAB),
    'mmseg': ('MMSegmentation', OPENMMLAB),
    'mmpose': ('MMPose', f'{OPENMMLAB} && pip install --no-deps mmpose, see docs/install.md'),
    'mmpretrain': ('MMPretrain', "pip install 'hybrid_backbones[openmmlab,mmpretrain]'"),
}
# as pip names what is imported by another name
DISTRIBUTIONS = {'mmdetection': 'mmdet', 'mmsegmentation': 'mmseg'}
REQUIRED = ('hybrid_backbones', 'torch', 'mmengine')


def how_to_install(error: ImportError) -> Optional[str]:
    """The package that an import failed for, and the command that installs it; None if unknown.

    mmengine's own errors name the package only in their text, as pip does: mmsegmentation, or
    onedl-mmsegmentation. Their ``name`` is all of the text.
    """
    package = (error.name or '').partition('.')[0]
    if not package.isidentifier():
        words = [DISTRIBUTIONS.get(word, word) for word in _words(str(error))]
        package = next((name for name in LIBRARIES if name in words), '')
    if not package or package in REQUIRED or not is_missing(package):
        return None
    name, command = LIBRARIES.get(package, (package, f'pip install {package}'))
    return f'{name}: {command}'


def _words(message: str) -> List[str]:
    return [word.strip('.,').replace('onedl-', '') for word in message.split()]


def is_missing(package: str) -> bool:
    """Whether a package cannot be found; without importing it."""
    return find_spec(package) is None
