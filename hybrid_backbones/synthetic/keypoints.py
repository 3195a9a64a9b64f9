"""A tiny set of persons with joints, in the files and folders of COCO 2017 and MMPose."""

import json
from pathlib import Path
from typing import Any, Dict, List

import cv2
import numpy as np
from numpy.typing import NDArray

from .cache import write_image, write_once
from .coco import box_of, polygons_of
from .persons import JOINTS, OUTSIDE, Figure
from .scenes import Scene, draw_scene

SPLITS = {'train2017': 120, 'val2017': 30}  # images
FIGURES, OBJECTS = 4, 2  # most in an image; objects are there to be told from persons
DETECTIONS = 'person_detection_results/COCO_val2017_detections_AP_H_56_person.json'
JITTER = 0.03  # standard deviation of a detected box's sides, as a fraction of its size
FALSE_EVERY = 3  # an image in so many has a detection of nothing
VERSION = 1  # raise it when the drawing changes: sets drawn before are drawn again

SKELETON = (  # COCO's, which counts joints from 1
    (16, 14),
    (14, 12),
    (17, 15),
    (15, 13),
    (12, 13),
    (6, 12),
    (7, 13),
    (6, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (9, 11),
    (2, 3),
    (1, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
    (5, 7),
)


def write_coco_keypoints(root: Path, seed: int = 0) -> Path:
    """Write the set at ``root``, unless it is there already; ``root`` is returned.

    Layout: ``annotations/person_keypoints_{train,val}2017.json``, ``train2017/``, ``val2017/``,
    and under ``person_detection_results/`` what a good person detector would find in the latter.
    """
    made = {'set': 'coco_keypoints', 'version': VERSION, 'seed': seed, 'splits': SPLITS}
    return write_once(root, made, lambda fresh: _write(fresh, seed))


def _write(root: Path, seed: int) -> None:
    (root / 'annotations').mkdir()
    first = seed * sum(SPLITS.values())
    for split, count in SPLITS.items():
        (root / split).mkdir()
        content = _write_split(root, split, range(first, first + count))
        _write_json(root / 'annotations' / f'person_keypoints_{split}.json', content)
        first += count
    (root / DETECTIONS).parent.mkdir()
    _write_json(root / DETECTIONS, _detect(content, np.random.default_rng(seed)))


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(',', ':')), encoding='utf-8')


def _write_split(root: Path, split: str, seeds: range) -> Dict[str, Any]:
    """Write the images; what the annotation file is to contain is returned."""
    images: List[Dict[str, Any]] = []
    annotations: List[Dict[str, Any]] = []
    for image_id, seed in enumerate(seeds, start=1):
        scene = draw_scene(seed, max_objects=OBJECTS, max_figures=FIGURES)
        name = f'{image_id:012d}.jpg'
        write_image(root / split / name, scene.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        height, width = scene.image.shape[:2]
        images.append(dict(id=image_id, file_name=name, height=height, width=width))
        annotations += _annotate(scene, image_id, first_id=len(annotations) + 1)
    person = dict(id=1, name='person', supercategory='person', keypoints=JOINTS, skeleton=SKELETON)
    return dict(
        info=dict(description='hybrid_backbones mini set', version=str(VERSION), year=2026),
        licenses=[dict(id=1, name='CC0 1.0', url='')],
        images=images,
        annotations=annotations,
        categories=[person],
    )


def _annotate(scene: Scene, image_id: int, first_id: int) -> List[Dict[str, Any]]:
    return [
        dict(
            id=first_id + i,
            image_id=image_id,
            category_id=1,
            bbox=box_of(figure.mask),
            area=int(figure.mask.sum()),
            segmentation=polygons_of(figure.mask),
            iscrowd=0,
            num_keypoints=int((figure.visibility != OUTSIDE).sum()),
            keypoints=_triplets(figure),
        )
        for i, figure in enumerate(scene.figures)
    ]


def _triplets(figure: Figure) -> List[int]:
    """``[x1, y1, v1, x2, ...]``; all zero for a joint outside the image, as in COCO."""
    flags = figure.visibility
    return np.column_stack([figure.joints * (flags != OUTSIDE)[:, None], flags]).ravel().tolist()


def _detect(content: Dict[str, Any], rng: np.random.Generator) -> List[Dict[str, Any]]:
    """Detections in COCO's result format: each person's box, not quite right, and a few false."""
    detections = []
    for annotation in content['annotations']:
        x, y, width, height = annotation['bbox']
        shift = JITTER * rng.normal(size=4).clip(-2, 2) * (width, height, width, height)
        box = np.array([x, y, x + width, y + height]) + shift
        detections.append(_detection(annotation['image_id'], box, rng.uniform(0.7, 0.99)))
    for image in content['images'][::FALSE_EVERY]:
        size = (image['width'], image['height'])
        corner, extent = rng.uniform(0, 0.5, 2) * size, rng.uniform(0.15, 0.45, 2) * size
        box = np.concatenate([corner, corner + extent])
        detections.append(_detection(image['id'], box, rng.uniform(0.02, 0.2)))
    return detections


def _detection(image_id: int, box: NDArray[Any], score: float) -> Dict[str, Any]:
    """``box`` is (x1, y1, x2, y2)."""
    sides = [*box[:2], *(box[2:] - box[:2])]
    return dict(
        image_id=image_id,
        category_id=1,
        bbox=[round(float(side), 2) for side in sides],
        score=round(float(score), 4),
    )
