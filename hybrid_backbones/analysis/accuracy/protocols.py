"""The preprocessing that each file was tested with, by its authors."""

import re
from typing import Callable, Dict, Optional

from .preprocessing import Preprocessing

Protocol = Callable[[str, int], Preprocessing]  # of an arch and the size that the network sees

DEFAULT_SIZE = 224
SIZE_IN_NAME = re.compile(r'[-_](128|160|192|224|384)(?=[-_.]|$)')

_PROTOCOLS: Dict[str, Protocol] = {}


def register_protocol(family: str) -> Callable[[Protocol], Protocol]:
    """A decorator for what prepares images for a family.

    Args:
        family: Class name of the backbone.
    """

    def register(protocol: Protocol) -> Protocol:
        _PROTOCOLS[family] = protocol
        return protocol

    return register


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
    return _PROTOCOLS.get(family, _unknown)(arch, size)


def as_deit(size: int) -> Preprocessing:
    """As DeiT's ``datasets.py``, and the codes that became of it."""
    return Preprocessing(size, int(256 / 224 * size))


def _unknown(arch: str, size: int) -> Preprocessing:
    return Preprocessing(size, as_deit(size).resize, assumed='the resize to 256/224 of the crop')
