"""UniFormer's images: the authors' ``datasets.py``; with token labelling timm's defaults for vision
transformers, at 384 pixels too.

Which they are depends on timm's version: the repository requires 0.4.12.
"""

from math import floor

from ..preprocessing import Preprocessing
from ..protocols import as_deit, register_protocol

CROP = 0.9
HALF = (0.5, 0.5, 0.5)


@register_protocol('UniFormer')
def uniformer(arch: str, size: int) -> Preprocessing:
    if not arch.endswith('_tl'):
        return as_deit(size)
    assumed = 'mean and deviation 0.5, of timm 0.4.12'
    return Preprocessing(size, floor(size / CROP), HALF, HALF, assumed)
