"""Every family's names and files."""

from typing import Optional, Tuple

from ..key_mapping import KeyMapping
from ..pretrained import PretrainedFile
from . import conformer, cvt, hrformer, transxnet, uniformer

FAMILIES = (conformer, cvt, hrformer, transxnet, uniformer)

KEY_MAPPINGS: Tuple[KeyMapping, ...] = tuple(d for family in FAMILIES for d in family.KEY_MAPPINGS)
PRETRAINED: Tuple[PretrainedFile, ...] = tuple(f for family in FAMILIES for f in family.PRETRAINED)


def find_pretrained(file: str = '', url: str = '') -> Optional[PretrainedFile]:
    """The entry with this file name or URL, None if there is none."""
    return next((entry for entry in PRETRAINED if file == entry.file or url == entry.url), None)


def published_files(family: str, arch: str) -> Tuple[PretrainedFile, ...]:
    """The files of one arch, those with the highest accuracy first."""
    files = [entry for entry in PRETRAINED if (entry.family, entry.arch) == (family, arch)]
    return tuple(sorted(files, key=lambda entry: -(entry.top1 or 0)))
