"""Conformer's images: the authors' ``datasets.py``, and MMPretrain's configs for its copies."""

from ..preprocessing import Preprocessing
from ..protocols import as_deit, register_protocol


@register_protocol('Conformer')
def conformer(arch: str, size: int) -> Preprocessing:
    return as_deit(size)
