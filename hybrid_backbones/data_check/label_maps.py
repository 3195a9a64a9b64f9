"""Label maps of semantic segmentation: a class for each pixel."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, FrozenSet, Iterable, List, Optional, Sequence, Set, Tuple

import numpy as np
from PIL import Image

from ..errors import one_line
from .problems import Problem

SHOWN = 5  # values in a message
LEAST_MAPS = 2  # that are alike, to say so of a dataset


@dataclass(frozen=True)
class Labels:
    """What the values of a label map may be.

    Args:
        classes: How many there are.
        reduce_zero_label: Whether 0 is no class, and classes begin at 1.
        ignored: Values that do not count.
    """

    classes: int
    reduce_zero_label: bool = False
    ignored: FrozenSet[int] = frozenset({255})

    def strange(self, values: Iterable[int]) -> List[int]:
        """Those that are neither classes nor ignored, rising."""
        allowed = {*range(self.first, self.first + self.classes), *self.ignored, *range(self.first)}
        return sorted(set(values) - allowed)

    @property
    def first(self) -> int:
        """The first class."""
        return 1 if self.reduce_zero_label else 0


def check_label_map(path: str, labels: Labels) -> Optional[Problem]:
    """What is wrong with the label map in a file; None if nothing is."""
    try:
        with Image.open(path) as image:
            values: Any = np.asarray(image)
            mode = image.mode
    except Exception as error:  # a decoder fails in many ways
        return Problem(path, f'is no image, or damaged ({one_line(error)})')
    if values.ndim != 2:
        text = f'has {values.shape[2]} channels (mode {mode}): one is needed, with class numbers'
        return Problem(path, text)
    text = describe_strange(labels, np.unique(values).tolist())
    return Problem(path, text) if text else None


def check_values_of_all(paths: Sequence[str], labels: Labels) -> Optional[Problem]:
    """Whether of all label maps together nothing would be learned.

    They may be masks of one object, 0 and 255, or hold what does not count and nothing else. A
    single one may.

    Args:
        paths: Of several label maps of one dataset.
        labels: What their values may be; where 255 counts, :func:`check_label_map` finds it.
    """
    if len(paths) < LEAST_MAPS:
        return None
    useless = {0, 255} if 255 in labels.ignored else set(labels.ignored)
    values: Set[int] = set()
    for path in paths:
        with suppress(Exception), Image.open(path) as image:
            values.update(np.unique(np.asarray(image)).tolist())
        if not values <= useless:
            return None
    others = f'and {len(paths) - 1} others that were looked at'
    if values and values <= labels.ignored:
        return Problem(paths[0], f'{others} have nothing but values that are ignored: {values}')
    if values != {0, 255}:
        return None
    text = f'{others} have the values 0 and 255 alone'
    return Problem(paths[0], f'{text}, and 255 is ignored: two classes would have to be 0 and 1')


def describe_strange(labels: Labels, values: Iterable[int]) -> str:
    """Which values are no classes; empty if all are."""
    strange = labels.strange(values)
    if not strange:
        return ''
    shown = ', '.join(map(str, strange[:SHOWN])) + (', ...' if len(strange) > SHOWN else '')
    hint = '; 0 and 255 for two classes would have to be 0 and 1' if strange == [255] else ''
    last = labels.first + labels.classes - 1
    return (
        f'has the values {shown}, which are no classes ({labels.first} to {last}) and not ignored '
        f'({", ".join(map(str, sorted(labels.ignored)))}){hint}'
    )


def same_size(image: str, label_map: str) -> Optional[Problem]:
    """Whether a label map is as large as its image; None if it is, or one cannot be read."""
    sizes: Tuple[Any, Any] = (_size(image), _size(label_map))
    if None in sizes or sizes[0] == sizes[1]:
        return None
    (w, h), (mw, mh) = sizes
    return Problem(label_map, f'is {mw}x{mh} pixels, and its image {w}x{h}')


def _size(path: str) -> Optional[Tuple[int, int]]:
    try:
        with Image.open(path) as image:
            return image.size
    except Exception:
        return None
