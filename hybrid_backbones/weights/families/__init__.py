"""Every family's names and files."""

from typing import Optional, Tuple

from ..catalogue import PublishedFile
from ..dialects import Dialect
from . import conformer, cvt, hrformer, transxnet, uniformer

FAMILIES = (conformer, cvt, hrformer, transxnet, uniformer)

DIALECTS: Tuple[Dialect, ...] = tuple(d for family in FAMILIES for d in family.DIALECTS)
PUBLISHED: Tuple[PublishedFile, ...] = tuple(f for family in FAMILIES for f in family.PUBLISHED)


def find_published(file: str = '', url: str = '') -> Optional[PublishedFile]:
    """The entry with this file name or URL, None if there is none."""
    return next((entry for entry in PUBLISHED if file == entry.file or url == entry.url), None)
