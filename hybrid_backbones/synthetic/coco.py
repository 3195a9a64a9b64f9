"""A tiny instance-segmentation set in COCO's own files and folders."""

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .cache import write_image, write_once
from .scenes import SHAPES, Scene, draw_scene

SPLITS = {'train2017': 160, 'val2017': 40}  # images
EMPTY_EVERY, CROWD_EVERY = 20, 10
# public ids run to 90 and leave these out
NO_CATEGORY = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
OUTLINE_SCALE = 4  # outlines are traced on masks enlarged by this, to follow the pixels' edges
VERSION = 3  # raise it when the drawing changes: sets drawn before are drawn again


def write_coco(root: Path, seed: int = 0, classes: Sequence[str] = SHAPES) -> Path:
    """Write the set below ``root``, unless the same set is there already.

    Layout as COCO 2017: ``annotations/instances_{train,val}2017.json``, ``train2017/``,
    ``val2017/``. One image in twenty has no object, one in ten a crowd.

    Args:
        root: Folder of the set.
        seed: Of the random numbers.
        classes: Names of the categories. The first three are drawn; the others are there for
            models that were trained on COCO's 80, and get COCO's ids.

    Returns:
        ``root``.

    Raises:
        ConfigError: There are fewer than three classes.
    """
    made = {'version': VERSION, 'seed': seed, 'splits': SPLITS}
    if tuple(classes) != SHAPES:
        made['classes'] = list(classes)
    if len(classes) < len(SHAPES):
        raise ConfigError(f'the synthetic images show {len(SHAPES)} classes, not {len(classes)}')
    return write_once(root, made, lambda fresh: _write(fresh, seed, classes))


def category_ids(count: int) -> List[int]:
    """COCO's own ids of its first ``count`` categories; 1, 2, ... beyond its 80."""
    public = [i for i in range(1, 91) if i not in NO_CATEGORY]
    return public[:count] if count <= len(public) else list(range(1, count + 1))


def _write(root: Path, seed: int, classes: Sequence[str]) -> None:
    (root / 'annotations').mkdir()
    first = seed * sum(SPLITS.values())
    for split, count in SPLITS.items():
        (root / split).mkdir()
        _write_split(root, split, range(first, first + count), classes)
        first += count


def _write_split(root: Path, split: str, seeds: range, classes: Sequence[str]) -> None:
    images: List[Dict[str, Any]] = []
    annotations: List[Dict[str, Any]] = []
    for image_id, seed in enumerate(seeds, start=1):
        empty = image_id % EMPTY_EVERY == 0
        crowd = image_id % CROWD_EVERY == 5
        scene = draw_scene(seed, max_objects=0 if empty else 5, crowd=crowd)
        name = f'{image_id:012d}.jpg'
        write_image(root / split / name, scene.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        height, width = scene.image.shape[:2]
        images.append(dict(id=image_id, file_name=name, height=height, width=width))
        annotations += _annotate(scene, image_id, first_id=len(annotations) + 1)
    content = dict(
        info=dict(description='hybrid_backbones mini set', version=str(VERSION), year=2026),
        licenses=[dict(id=1, name='CC0 1.0', url='')],
        images=images,
        annotations=annotations,
        categories=[
            dict(id=i, name=name, supercategory='shape')
            for i, name in zip(category_ids(len(classes)), classes)
        ],
    )
    path = root / 'annotations' / f'instances_{split}.json'
    path.write_text(json.dumps(content, separators=(',', ':')), encoding='utf-8')


def _annotate(scene: Scene, image_id: int, first_id: int) -> List[Dict[str, Any]]:
    annotations: List[Dict[str, Any]] = []
    for shape in scene.shapes:
        annotations.append(
            dict(
                id=first_id + len(annotations),
                image_id=image_id,
                category_id=shape.kind + 1,
                bbox=box_of(shape.mask),
                area=int(shape.mask.sum()),
                segmentation=_run_lengths(shape.mask)
                if shape.is_crowd
                else polygons_of(shape.mask),
                iscrowd=int(shape.is_crowd),
            )
        )
    return annotations


def box_of(mask: NDArray[Any]) -> List[int]:
    """``[x, y, width, height]`` in pixels of a mask ``(H, W)`` bool that is not empty."""
    rows, cols = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    x, y = int(cols[0]), int(rows[0])
    return [x, y, int(cols[-1]) - x + 1, int(rows[-1]) - y + 1]


def polygons_of(mask: NDArray[Any]) -> List[List[float]]:
    """Outlines ``[x1, y1, x2, y2, ...]`` in pixels, one for each part of a mask ``(H, W)`` bool.

    Holes are lost.
    """
    enlarged = mask.astype(np.uint8).repeat(OUTLINE_SCALE, 0).repeat(OUTLINE_SCALE, 1)
    outlines, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    polygons = []
    for outline in outlines:
        outline = cv2.approxPolyDP(outline, 0.4 * OUTLINE_SCALE, closed=True)
        if len(outline) >= 3:
            points = (outline.reshape(-1) + 0.5) / OUTLINE_SCALE
            polygons.append([round(float(v), 2) for v in points])
    return polygons


def _run_lengths(mask: NDArray[Any]) -> Dict[str, Any]:
    """COCO's uncompressed run lengths: columns first, beginning with a run of background."""
    flat = mask.flatten(order='F').astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return dict(size=list(mask.shape), counts=[0, *runs] if flat[0] else runs)
