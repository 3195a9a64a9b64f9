"""Images to predict on: finding them, and telling those that are none."""

from collections import Counter
from pathlib import Path
from typing import Dict, List, Optional

from ..errors import ConfigError, one_line

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm')


def find_images(place: str) -> List[Path]:
    """The file, or a folder's files that are named as images, by name; no folders within.

    Raises:
        ConfigError: There is none.
    """
    path = Path(place)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f'no image or folder {place}')
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise ConfigError(f'no image in {place}: none of its files ends in {" ".join(SUFFIXES)}')
    return found


def output_names(paths: List[Path]) -> Dict[Path, str]:
    """A name without ending for each image's results; the whole name where two would be one."""
    stems = Counter(path.stem for path in paths)
    names = {path.name for path in paths}
    return {p: p.stem if stems[p.stem] == 1 and p.stem not in names else p.name for p in paths}


def problem_of(path: Path) -> Optional[str]:
    """Why a file cannot be used as an image; None if it can.

    It is read to its end: OpenCV would fill up what a damaged file lacks with grey.
    """
    from PIL import Image  # mmcv brings it

    try:
        if path.stat().st_size == 0:
            return 'an empty file'
        with Image.open(path) as image:
            image.load()
    except Exception as error:  # a decoder fails in many ways on what it does not know
        reason = one_line(error).replace(str(path), 'it')
        return f'no image, or damaged ({reason})'
    return None
