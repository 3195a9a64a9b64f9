"""TransXNet's images: the authors' ``models/transxnet.py``, crop_pct."""

from math import floor

from ..preprocessing import Preprocessing
from ..protocols import DEFAULT_SIZE, register_protocol

CROP, CROP_OF_BASE = 0.9, 0.95  # of the resized image


@register_protocol('TransXNet')
def transxnet(arch: str, size: int) -> Preprocessing:
    assumed = '' if size == DEFAULT_SIZE else 'the crop of the 224-pixel file'
    crop = CROP_OF_BASE if arch == 'b' else CROP
    return Preprocessing(size, floor(size / crop), assumed=assumed)
