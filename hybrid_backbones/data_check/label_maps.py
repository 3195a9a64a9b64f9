"""Label maps of semantic segmentation: a class for each pixel."""

from typing import Any, Collection, Optional, Tuple

import numpy as np
from PIL import Image

from ..errors import one_line
from .problems import Problem

SHOWN = 5  # values in a message


def check_label_map(
    path: str, classes: int, reduce_zero_label: bool, ignored: Collection[int]
) -> Optional[Problem]:
    """What is wrong with a label map; None if nothing is.

    Args:
        path: Of the file.
        classes: How many there are.
        reduce_zero_label: Whether 0 is no class, and classes begin at 1.
        ignored: Values that do not count.
    """
    try:
        with Image.open(path) as image:
            values: Any = np.asarray(image)
            mode = image.mode
    except Exception as error:  # a decoder fails in many ways
        return Problem(path, f'is no image, or damaged ({one_line(error)})')
    if values.ndim != 2:
        text = f'has {values.shape[2]} channels (mode {mode}): one is needed, with class numbers'
        return Problem(path, text)
    first = 1 if reduce_zero_label else 0
    known = {*range(first, first + classes), *ignored, *((0,) if reduce_zero_label else ())}
    strange = sorted(set(np.unique(values).tolist()) - known)
    if not strange:
        return None
    shown = ', '.join(map(str, strange[:SHOWN])) + (', ...' if len(strange) > SHOWN else '')
    hint = '; 0 and 255 for two classes would have to be 0 and 1' if strange == [255] else ''
    return Problem(
        path,
        f'has the values {shown}, which are no classes ({first} to {first + classes - 1}) and '
        f'not ignored ({", ".join(map(str, sorted(ignored)))}){hint}',
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
