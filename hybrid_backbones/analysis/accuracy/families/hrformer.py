"""HRFormer's images: the authors' ``cls/data/build.py``."""

from ..preprocessing import Preprocessing
from ..protocols import as_deit, register_protocol


@register_protocol('HRFormer')
def hrformer(arch: str, size: int) -> Preprocessing:
    return as_deit(size)
