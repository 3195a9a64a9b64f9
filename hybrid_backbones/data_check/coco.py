"""Annotation files in COCO's format: of boxes, masks and keypoints."""

import json
from collections import Counter
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .problems import Problem

OUTSIDE = 1.0  # pixels by which rounding may put a box outside of its image
COORDINATES, LEAST_POINTS = 2, 3  # of a polygon
NUMBERS = ('area', 'iscrowd')
VISIBILITIES = (0, 1, 2)


@dataclass
class CocoFile:
    """An annotation file, as far as it can be read.

    Args:
        images: Entries that name a file.
        problems: What is wrong with it.
    """

    images: List[Dict[str, Any]] = field(default_factory=list)
    problems: List[Problem] = field(default_factory=list)


def check_coco(
    path: str,
    keypoints: Optional[int] = None,
    masks: bool = False,
    needed: Sequence[str] = ('area', 'iscrowd'),
    annotated: bool = True,
) -> CocoFile:
    """Read a file and look at all of it.

    Args:
        path: Of the JSON file.
        keypoints: How many an annotation has; None for a detector's file.
        masks: Whether masks are trained or evaluated.
        needed: Numbers of an annotation that whoever reads the file asks for; others of
            ``NUMBERS`` that are missing do no harm.
        annotated: Whether there must be annotations; a test set of COCO has none.
    """
    content = _read(path)
    if isinstance(content, Problem):
        return CocoFile(problems=[content])
    found = CocoFile()
    lists = {}
    for key in ('images', 'annotations', 'categories'):
        value = content.get(key)
        if key == 'annotations' and value is None and not annotated:
            value = []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            found.problems.append(Problem(path, f'{key!r} is no list of objects'))
        else:
            lists[key] = value
    if len(lists) < 3:
        return found
    checks = (
        *_images(lists['images']),
        *_ids('category', lists['categories']),
        *_annotations(lists, keypoints, masks, needed),
    )
    found.problems += [Problem(path, text) for text in checks]
    found.problems += [Problem(path, text, harmless=True) for text in _oddities(lists, needed)]
    found.images = [image for image in lists['images'] if file_name(image) is not None]
    return found


def file_name(image: Dict[str, Any]) -> Optional[str]:
    """The name of an image's file; LVIS has its folder and name in COCO's address."""
    name, url = image.get('file_name'), image.get('coco_url')
    if isinstance(name, str):
        return name
    return '/'.join(url.split('/')[-2:]) if isinstance(url, str) else None


def _read(path: str) -> Any:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return Problem(path, f'cannot be read: {error.strerror}')
    if content.startswith(b'\xef\xbb\xbf'):
        return Problem(path, 'begins with a byte order mark: save it as UTF-8 without BOM')
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        return Problem(path, f'is no JSON: {error}')
    return found if isinstance(found, dict) else Problem(path, 'is no JSON object')


def _ids(what: str, entries: List[Dict[str, Any]]) -> Iterator[str]:
    for i, entry in enumerate(entries):
        if not isinstance(entry.get('id'), (int, str)):
            yield f'{what} number {i} has no id'
    counts = Counter(
        entry.get('id') for entry in entries if isinstance(entry.get('id'), (int, str))
    )
    for number, count in counts.items():
        if count > 1:
            yield f'{what} id {number} is there {count} times'


def _images(images: List[Dict[str, Any]]) -> Iterator[str]:
    yield from _ids('image', images)
    for image in images:
        name = f'image {image.get("id")}'
        if file_name(image) is None:
            yield f'{name} has no file_name'
        for side in ('height', 'width'):
            value: Any = image.get(side)
            if not _is_number(value) or value < 1:
                yield f'{name} has no {side}'


def _annotations(
    lists: Dict[str, List[Dict[str, Any]]],
    keypoints: Optional[int],
    masks: bool,
    needed: Sequence[str],
) -> Iterator[str]:
    yield from _ids('annotation', lists['annotations'])
    images = {str(image.get('id')): image for image in lists['images']}
    for annotation in lists['annotations']:
        name = f'annotation {annotation.get("id")}'
        image = _get(images, annotation.get('image_id'))
        if image is None:
            yield f'{name} is of image {annotation.get("image_id")}, which is not there'
        for key in needed:
            if not _is_number(annotation.get(key)):
                yield f'{name} has no {key}, which evaluation needs'
        if not _is_box(annotation.get('bbox')):
            yield f'{name}: bbox is not four finite numbers [x, y, width, height]: ' + str(
                annotation.get('bbox')
            )
        if masks:
            yield from (f'{name}: {text}' for text in _mask(annotation.get('segmentation')))
        if keypoints is not None:
            found = _keypoints(annotation, keypoints)
            yield from (f'{name}: {text}' for text in found)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _get(entries: Dict[str, Dict[str, Any]], number: Any) -> Optional[Dict[str, Any]]:
    """The entry of an id, which a file may write as anything."""
    entry = entries.get(str(number))
    return entry if entry is not None and entry.get('id') == number else None


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))


def _oddities(lists: Dict[str, List[Dict[str, Any]]], needed: Sequence[str]) -> Iterator[str]:
    """What the libraries pass over, clip or do without; COCO has a few such boxes."""
    images = {str(image.get('id')): image for image in lists['images']}
    categories = {str(each.get('id')): each for each in lists['categories']}
    for annotation in lists['annotations']:
        name = f'annotation {annotation.get("id")}'
        if _get(categories, annotation.get('category_id')) is None:
            yield f'{name} is of category {annotation.get("category_id")}, which is not there'
        for key in NUMBERS:
            if key not in needed and not _is_number(annotation.get(key)):
                yield f'{name} has no {key}, which evaluation would need'
        for value in (annotation.get('keypoints') or ())[2::3]:
            if value not in VISIBILITIES:
                yield f'{name}: visibility of a keypoint is none of 0, 1, 2'
                break
        box = annotation.get('bbox')
        if _is_box(box):
            image = _get(images, annotation.get('image_id')) or {}
            for text in _odd_box(box, image.get('width'), image.get('height')):
                yield f'annotation {annotation.get("id")}: {text}'


def _odd_box(box: Any, image_width: Any, image_height: Any) -> Iterator[str]:
    x, y, width, height = box
    if width <= 0 or height <= 0:
        yield f'bbox has no area: {box}'
    elif type(image_width) is int and type(image_height) is int:
        beyond = max(-x, -y, x + width - image_width, y + height - image_height)
        if beyond > OUTSIDE:
            sides = f'{image_width}x{image_height}'
            yield f'bbox {box} is {beyond:.0f} pixels outside of the image of {sides}'


def _mask(mask: Any) -> Iterator[str]:
    if isinstance(mask, dict):
        if not {'counts', 'size'} <= set(mask):
            yield 'segmentation has no counts and size'
        return
    if not isinstance(mask, list) or not mask:
        yield 'there is no segmentation'
        return
    for polygon in mask:
        if not isinstance(polygon, list) or not all(map(_is_number, polygon)):
            yield 'a polygon has something else than finite numbers'
        elif len(polygon) % COORDINATES or len(polygon) < COORDINATES * LEAST_POINTS:
            yield f'a polygon has {len(polygon)} numbers: x and y of three points are the least'


def _keypoints(annotation: Dict[str, Any], count: int) -> Iterator[str]:
    if annotation.get('iscrowd'):
        return
    values = annotation.get('keypoints')
    if not isinstance(values, list):
        yield 'there are no keypoints'
    elif len(values) != 3 * count:
        yield f'keypoints are {len(values)} numbers, {3 * count} would be x, y, v of {count}'
    elif not all(map(_is_number, values)):
        yield 'keypoints are not all finite numbers'
    elif 'num_keypoints' not in annotation:
        yield 'there is no num_keypoints, which evaluation needs'
