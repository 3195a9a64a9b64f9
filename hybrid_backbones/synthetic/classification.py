"""A tiny classification set in ImageNet's folders, as MMPretrain reads them."""

from pathlib import Path

import cv2

from .cache import write_image, write_once
from .scenes import SHAPES, draw_scene

# one large shape, or many small ones; in the order of the folders' names
CLASSES = tuple(name for shape in SHAPES for name in (shape, f'{shape}s'))
SPLITS = {'train': 480, 'val': 120}  # images
SIDES = ((192, 192), (192, 240), (240, 192))  # (height, width) in pixels
VERSION = 1  # raise it when the drawing changes: sets drawn before are drawn again


def write_imagenet(root: Path, seed: int = 0) -> Path:
    """Write the set at ``root``, unless it is there already; ``root`` is returned.

    Layout: ``train/CLASS/`` and ``val/CLASS/`` for each of ``CLASSES``, and the number of each
    image's class in ``meta/train.txt`` and ``meta/val.txt``.
    """
    made = {'set': 'imagenet', 'version': VERSION, 'seed': seed, 'splits': SPLITS}
    return write_once(root, made, lambda fresh: _write(fresh, seed))


def _write(root: Path, seed: int) -> None:
    (root / 'meta').mkdir()
    first = seed * sum(SPLITS.values())
    for split, count in SPLITS.items():
        for name in CLASSES:
            (root / split / name).mkdir(parents=True)
        lines = [_write_image(root / split, number) for number in range(first, first + count)]
        (root / 'meta' / f'{split}.txt').write_text(''.join(lines), encoding='utf-8')
        first += count


def _write_image(folder: Path, number: int) -> str:
    """Draw an image; the line of the list that names it and its class."""
    many = number % 2
    scene = draw_scene(number, max_objects=0 if many else 1, crowd=bool(many), sides=SIDES)
    label = 2 * scene.shapes[0].kind + many
    path = f'{CLASSES[label]}/{number:08d}.jpg'
    write_image(folder / path, scene.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return f'{path} {label}\n'
