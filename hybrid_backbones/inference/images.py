"""Images to predict on: finding them, and telling those that are none."""

import glob
import shlex
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from numpy.typing import NDArray

from ..data_check.images import MOST_PIXELS, of_any_size
from ..errors import ConfigError, one_line

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm')
VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv')


def find_images(places: Union[str, Sequence[str]]) -> List[Path]:
    """The images that files, folders and patterns name, each once.

    Args:
        places: A file; a folder, of which the files are taken that are named as images, by name and
            none of folders within; or a pattern such as ``'dir/*.jpg'``, taken likewise. A file
            that has the very name of a pattern is a file. Or a list of those.

    Raises:
        ConfigError: One of them has no image, or is not on this machine.
    """
    places = [places] if isinstance(places, str) else places
    return list(dict.fromkeys(path for place in places for path in _images_of(place)))


def _images_of(place: str) -> List[Path]:
    check_local(place)
    path = Path(place)
    if path.is_file():
        return [path]
    if path.is_dir():
        files, where = list(path.iterdir()), f'in {place}'
    elif glob.has_magic(place):
        files, where = [Path(found) for found in glob.glob(place, recursive=True)], f'like {place}'
        if not files:
            raise ConfigError(f'no file {where}')
    else:
        raise ConfigError(f'no image or folder {place}')
    found = sorted(p for p in files if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        video = next((p for p in files if p.suffix.lower() in VIDEOS), None)
        then = f'; {video.name} is {_video(video)}' if video else ''
        raise ConfigError(f'no image {where}: none of its files ends in {" ".join(SUFFIXES)}{then}')
    return found


def check_local(place: str) -> None:
    """See that an image is named by a path.

    Raises:
        ConfigError: It is an address.
    """
    scheme, separator, _ = place.partition('://')
    if not separator:
        return
    then = 'give its path' if scheme == 'file' else 'fetch it, and give the path of the file'
    if scheme in ('http', 'https'):
        then = f'curl -LO {place}, and give the path of the file'
    raise ConfigError(f'{place} is an address, and images are read from files: {then}')


def output_names(paths: List[Path]) -> Dict[Path, str]:
    """A name without ending for each image's results; the whole name where two would be one, with
    as many folders before it as tell images of several folders apart."""
    stems = Counter(path.stem for path in paths)
    names = Counter(path.name for path in paths)
    unique = {p for p in paths if stems[p.stem] == 1 and p.stem not in names}
    return {p: p.stem if p in unique else _distinct(p, paths) for p in paths}


def _distinct(path: Path, paths: List[Path]) -> str:
    parts = path.absolute().parts
    for number in range(1, len(parts)):
        tail = parts[-number:]
        if sum(other.absolute().parts[-number:] == tail for other in paths) == 1:
            break
    return '_'.join(tail)


def problem_of(path: Path) -> Optional[str]:
    """Why a file cannot be used as an image; None if it can.

    It is read to its end: OpenCV would fill up what a damaged file lacks with grey.
    """
    from PIL import Image, UnidentifiedImageError

    if path.suffix.lower() in VIDEOS:
        return _video(path)
    try:
        if path.stat().st_size == 0:
            return 'an empty file'
        with of_any_size(), Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                return f'{image.width}x{image.height} pixels, more than OpenCV decodes'
            if image.format == 'GIF' and getattr(image, 'is_animated', False):
                return _video(path)
            image.load()
    except MemoryError:
        return TOO_LARGE
    except UnidentifiedImageError:
        return 'no image, or damaged (its content is in no known format)'
    except Exception as error:  # a decoder fails in many ways on what it does not know
        reason = one_line(error).replace(str(path), 'it')
        return f'no image, or damaged ({reason})'
    return None


TOO_LARGE = 'too large for the memory'


def read_bgr(path: Path) -> Union[NDArray[Any], str]:
    """The pixels of an image as OpenCV reads them, ``(H, W, 3)``, BGR; or why it does not."""
    import cv2
    from PIL import Image

    problem = problem_of(path)
    if problem:
        return problem
    try:
        # as mmcv.imread does; this needs no mmcv
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except MemoryError:
        return TOO_LARGE
    except cv2.error as error:
        return f'OpenCV cannot read it ({one_line(error)})'
    if pixels is None:
        with Image.open(path) as image:
            kind = f'{image.format} of mode {image.mode}'
        return f'OpenCV cannot read it ({kind}): save it as PNG or JPEG'
    return pixels


def _video(path: Path) -> str:
    return (
        'a video, which is not read: take its frames out, '
        f'ffmpeg -i {shlex.quote(path.name)} {shlex.quote(f"{path.stem}_%06d.png")}'
    )
