"""Image files: there, whole, and of the size that annotations say."""

from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

from PIL import Image

from ..errors import one_line
from .fetched import Backend, fetch, is_remote
from .problems import Problem

MOST_PIXELS = 1 << 30  # OpenCV's own limit
# of Pillow's names, those that OpenCV decodes too; pipelines load images with it
FORMATS = ('JPEG', 'MPO', 'PNG', 'BMP', 'DIB', 'WEBP', 'TIFF', 'PPM', 'JPEG2000')
ORIENTATION, TURNED = 274, (5, 6, 7, 8)  # in EXIF


def check_image(
    path: str,
    size: Optional[Tuple[int, int]] = None,
    whole: bool = False,
    backend_args: Backend = None,
) -> Optional[Problem]:
    """What is wrong with an image; None if nothing is.

    Args:
        path: Of the file, or its address.
        size: Its width and height in pixels, as annotations say; None: any.
        whole: Decode it to its end, instead of its header alone.
        backend_args: With which mmengine reads it, as in a config.
    """
    if is_remote(path, backend_args):
        content = fetch(path, backend_args)
        if isinstance(content, Problem):
            return content
        text = _empty(len(content)) or _problem(BytesIO(content), size, whole)
    else:
        text = _size_on_disk(Path(path))
        text = text or _problem(path, size, whole)
    return Problem(path, text) if text else None


def _size_on_disk(file: Path) -> str:
    try:
        return _empty(file.stat().st_size) if file.is_file() else 'is not there'
    except (OSError, ValueError) as error:  # a name that no file can have
        return f'cannot be read: {one_line(error)}'


def _empty(count: int) -> str:
    return '' if count else 'is empty'


def _problem(source: Any, size: Optional[Tuple[int, int]], whole: bool) -> str:
    try:
        with of_any_size(), Image.open(source) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                return f'claims {width}x{height} pixels, more than OpenCV decodes'
            if image.format not in FORMATS:
                return f'is a file of {image.format}, which OpenCV does not decode'
            if image.getexif().get(ORIENTATION, 1) in TURNED:  # as it is by who loads it
                width, height = height, width
            if size and size != (width, height):
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
