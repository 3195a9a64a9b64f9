"""The preprocessing that each file was tested with, by its authors."""

import re
from math import floor
from typing import Callable, Dict, Optional

from .preprocessing import Preprocessing

Rule = Callable[[str, int], Preprocessing]  # of an arch and a size

DEFAULT_SIZE = 224
HALF = (0.5, 0.5, 0.5)
SIZE_IN_NAME = re.compile(r'[-_](128|160|192|224|384)(?=[-_.]|$)')


def preprocessing_of(
    family: str, arch: str, file: str = '', size: Optional[int] = None
) -> Preprocessing:
    """How images are prepared for a file.

    Args:
        family: Class name of the backbone.
        arch: Its arch.
        file: The file's name, which says the size where that is not 224.
        size: Side of the square that the network shall see; None: the file's.
    """
    if size is None:
        named = SIZE_IN_NAME.search(file)
        size = int(named[1]) if named else DEFAULT_SIZE
    return _RULES.get(family, _unknown)(arch, size)


def _deit(arch: str, size: int) -> Preprocessing:
    """The authors' ``datasets.py`` or ``build.py``, which DeiT's became; MMPretrain's configs."""
    return Preprocessing(size, int(256 / 224 * size))


def _unknown(arch: str, size: int) -> Preprocessing:
    return Preprocessing(size, int(256 / 224 * size), assumed='the resize to 256/224 of the crop')


def _uniformer(arch: str, size: int) -> Preprocessing:
    """With token labelling timm's defaults for vision transformers, at 384 pixels too.

    Which they are depends on timm's version: the repository requires 0.4.12.
    """
    if not arch.endswith('_tl'):
        return _deit(arch, size)
    assumed = 'mean and deviation 0.5, of timm 0.4.12'
    return Preprocessing(size, floor(size / 0.9), HALF, HALF, assumed)


def _transxnet(arch: str, size: int) -> Preprocessing:
    """``models/transxnet.py``: crop_pct."""
    assumed = '' if size == DEFAULT_SIZE else 'the crop of the 224-pixel file'
    return Preprocessing(size, floor(size / (0.95 if arch == 'b' else 0.9)), assumed=assumed)


def _cvt(arch: str, size: int) -> Preprocessing:
    """``lib/dataset/transformas/build.py``; its settings as in Hugging Face's copy of the files."""
    if size < 384:
        return Preprocessing(size, int(size / 0.875), assumed='bicubic resizing')
    return Preprocessing(size, None, assumed='bicubic resizing, without a crop')


_RULES: Dict[str, Rule] = dict(
    Conformer=_deit, CvT=_cvt, HRFormer=_deit, TransXNet=_transxnet, UniFormer=_uniformer
)
