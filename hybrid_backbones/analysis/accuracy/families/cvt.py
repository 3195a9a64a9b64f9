"""CvT's images: the authors' ``lib/dataset/transformas/build.py``.

Its settings for each file are those of the copies at Hugging Face.
"""

from ..preprocessing import Preprocessing
from ..protocols import register_protocol


@register_protocol('CvT')
def cvt(arch: str, size: int) -> Preprocessing:
    if size < 384:
        return Preprocessing(size, int(size / 0.875), assumed='bicubic resizing')
    return Preprocessing(size, None, assumed='bicubic resizing, without a crop')
