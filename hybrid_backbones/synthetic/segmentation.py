"""Tiny semantic segmentation sets in the files and folders of four public ones.

The scenes are those of the other mini sets. Ground and shapes get classes that the public set
knows, under its own ids, so that configs for it work unchanged.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .cache import write_image, write_once
from .scenes import SHAPES, SIDES, Scene, draw_scene

SPLITS = {'train': 160, 'val': 40}  # images
CROWD_EVERY = 10
BAND_EVERY, BAND = 4, 0.12  # in one image of so many, this part at one edge is not labelled
VERSION = 1  # raise it when the drawing changes: sets drawn before are drawn again


@dataclass(frozen=True)
class Layout:
    """The files of a set, and what the pixels of its label files mean.

    Paths are relative to the set's root and have the fields ``{split}`` (train, val),
    ``{folder}`` (of the split), and, but for ``listing``, ``{number}`` (from 1 through both
    splits).

    Args:
        name: Of the public set.
        classes: What is drawn (``'ground'`` or one of ``SHAPES``) to the class it stands for.
        ids: Class to its value in the label files.
        unlabelled: Value of pixels that do not count.
        image: Path of an image.
        labels: Path of its label file.
        folders: Split to ``{folder}``.
        listing: Path of the list of a split's images, by their names without ending, if the set
            has one.
        sides: Sizes of images, (height, width) in pixels.
    """

    name: str
    classes: Dict[str, str]
    ids: Dict[str, int]
    unlabelled: int
    image: str
    labels: str
    folders: Dict[str, str]
    listing: str = ''
    sides: Sequence[Tuple[int, int]] = SIDES


ADE20K = Layout(
    name='ade20k',
    classes=dict(ground='earth', disc='ball', square='box', triangle='tent'),
    ids=dict(earth=14, box=42, tent=115, ball=120),
    unlabelled=0,
    image='images/{folder}/ADE_{split}_{number:08d}.jpg',
    labels='annotations/{folder}/ADE_{split}_{number:08d}.png',
    folders=dict(train='training', val='validation'),
)
PASCAL_CONTEXT = Layout(
    name='pascal_context',
    classes=dict(ground='ground', disc='plate', square='book', triangle='sign'),
    ids=dict(book=9, ground=30, plate=38, sign=46),
    unlabelled=0,
    image='JPEGImages/2010_{number:06d}.jpg',
    labels='SegmentationClassContext/2010_{number:06d}.png',
    folders=dict(train='', val=''),
    listing='ImageSets/SegmentationContext/{split}.txt',
)
CITYSCAPES = Layout(
    name='cityscapes',
    classes=dict(ground='road', disc='traffic light', square='building', triangle='traffic sign'),
    ids={'road': 0, 'building': 2, 'traffic light': 6, 'traffic sign': 7},
    unlabelled=255,
    image='leftImg8bit/{split}/{folder}/{folder}_{number:06d}_000019_leftImg8bit.png',
    labels='gtFine/{split}/{folder}/{folder}_{number:06d}_000019_gtFine_labelTrainIds.png',
    folders=dict(train='aachen', val='frankfurt'),
    sides=((256, 512),),  # all of the public set's images are twice as wide as high
)
COCO_STUFF10K = Layout(
    name='coco_stuff10k',
    classes=dict(ground='ground-other', disc='frisbee', square='cardboard', triangle='tent'),
    ids={'frisbee': 30, 'cardboard': 89, 'ground-other': 115, 'tent': 155},
    unlabelled=0,
    image='images/{folder}/COCO_train2014_{number:012d}.jpg',
    labels='annotations/{folder}/COCO_train2014_{number:012d}_labelTrainIds.png',
    folders=dict(train='train2014', val='test2014'),
)


def write_ade20k(root: Path, seed: int = 0) -> Path:
    """Write a set like ADE20K at ``root``, unless it is there; ``root`` is returned.

    Layout as in ``ADEChallengeData2016``: ``images/`` and ``annotations/``, each with
    ``training/`` and ``validation/``. Values are 1 to 150, and 0 where nothing is labelled.
    """
    return _write_set(ADE20K, root, seed)


def write_pascal_context(root: Path, seed: int = 0) -> Path:
    """Write a set like PASCAL Context at ``root``, unless it is there; ``root`` is returned.

    Layout as in ``VOC2010``: ``JPEGImages/``, ``SegmentationClassContext/`` and
    ``ImageSets/SegmentationContext/{train,val}.txt``. Values are 1 to 59, and 0 for background.
    """
    return _write_set(PASCAL_CONTEXT, root, seed)


def write_cityscapes(root: Path, seed: int = 0) -> Path:
    """Write a set like Cityscapes at ``root``, unless it is there; ``root`` is returned.

    Layout: ``leftImg8bit/`` and ``gtFine/``, each with ``train/`` and ``val/``, and in these
    folders of cities. Values are 0 to 18, and 255 where nothing is labelled.
    """
    return _write_set(CITYSCAPES, root, seed)


def write_coco_stuff10k(root: Path, seed: int = 0) -> Path:
    """Write a set like COCO-Stuff 10k at ``root``, unless it is there; ``root`` is returned.

    Layout as MMSegmentation's conversion makes it: ``images/`` and ``annotations/``, each with
    ``train2014/`` and ``test2014/``. Values are 1 to 171, and 0 where nothing is labelled.
    """
    return _write_set(COCO_STUFF10K, root, seed)


def label_map(scene: Scene, layout: Layout) -> NDArray[Any]:
    """``(H, W)`` uint8: for each pixel the value of its class."""
    labels = np.full(scene.image.shape[:2], layout.ids[layout.classes['ground']], np.uint8)
    for shape in scene.shapes:
        labels[shape.mask] = layout.ids[layout.classes[SHAPES[shape.kind]]]
    return labels


def _write_set(layout: Layout, root: Path, seed: int) -> Path:
    def write(fresh: Path) -> None:
        first = 1
        for split, count in SPLITS.items():
            _write_split(layout, fresh, split, range(first, first + count), seed)
            first += count

    made = {'set': layout.name, 'version': VERSION, 'seed': seed, 'splits': SPLITS}
    return write_once(root, made, write)


def _write_split(layout: Layout, root: Path, split: str, numbers: range, seed: int) -> None:
    fields = dict(split=split, folder=layout.folders[split])
    names = []
    for number in numbers:
        scene = draw_scene(
            seed * sum(SPLITS.values()) + number - 1,
            crowd=number % CROWD_EVERY == 5,
            sides=layout.sides,
        )
        labels = label_map(scene, layout)
        if number % BAND_EVERY == 0:
            _edge(labels, side=number // BAND_EVERY)[...] = layout.unlabelled
        image = root / layout.image.format(number=number, **fields)
        _save(image, scene.image)
        _save(root / layout.labels.format(number=number, **fields), labels)
        names.append(image.stem)
    if layout.listing:
        path = root / layout.listing.format(**fields)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(names) + '\n', encoding='utf-8')


def _edge(labels: NDArray[Any], side: int) -> NDArray[Any]:
    """The band along one edge of ``labels`` ``(H, W)``, as a view; sides take turns."""
    turned = np.rot90(labels, side)
    return turned[: round(BAND * len(turned))]


def _save(path: Path, image: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = [cv2.IMWRITE_JPEG_QUALITY, 95] if path.suffix == '.jpg' else []
    write_image(path, image, settings)
