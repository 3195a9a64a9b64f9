"""Image files: there, whole, and of the size that annotations say."""

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional, Tuple

from PIL import Image

from ..errors import one_line
from .problems import Problem

MOST_PIXELS = 1 << 30  # OpenCV's own limit


def check_image(
    path: str, size: Optional[Tuple[int, int]] = None, whole: bool = False
) -> Optional[Problem]:
    """What is wrong with an image; None if nothing is.

    Args:
        path: Of the file.
        size: Its width and height in pixels, as annotations say; None: any.
        whole: Decode it to its end, instead of its header alone.
    """
    text = _problem(path, size, whole)
    return Problem(path, text) if text else None


def _problem(path: str, size: Optional[Tuple[int, int]], whole: bool) -> str:
    file = Path(path)
    if not file.is_file():
        return 'is not there'
    if not file.stat().st_size:
        return 'is empty'
    try:
        with of_any_size(), Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                return f'claims {width}x{height} pixels, more than OpenCV decodes'
            if size and size not in ((width, height), (height, width)):  # turned, by EXIF
                return f'is {width}x{height} pixels, annotations say {size[0]}x{size[1]}'
            if whole:
                image.load()
    except Exception as error:  # a decoder fails in many ways
        return f'is no image, or damaged ({one_line(error)})'
    return ''


@contextmanager
def of_any_size() -> Iterator[None]:
    """Pillow opens large images too; whoever asks judges their size."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
