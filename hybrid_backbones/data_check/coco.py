"""Annotation files in COCO's format: of boxes, masks and keypoints."""

import json
from collections import Counter
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from .fetched import Backend, fetch, is_remote
from .problems import Problem

OUTSIDE = 1.0  # pixels by which rounding may put a box outside of its image
COORDINATES, LEAST_POINTS = 2, 3  # of a polygon
NUMBERS = ('area', 'iscrowd')
VISIBILITIES = (0, 1, 2)
LARGEST = 1 << 63  # of a whole number, which JSON can have of any length


@dataclass
class CocoFile:
    """An annotation file, as far as it can be read.

    Args:
        images: Entries that name a file.
        learnable: How many annotations MMDetection and MMPose learn from: no crowds, and boxes of
            at least one pixel, with an area if one is given.
        annotations: How many there are.
        categories: Names of its categories, in its order; None: not every one has a name.
        problems: What is wrong with it.
    """

    images: List[Dict[str, Any]] = field(default_factory=list)
    learnable: int = 0
    annotations: int = 0
    categories: Optional[List[str]] = None
    problems: List[Problem] = field(default_factory=list)


def check_coco(
    path: str,
    keypoints: Optional[int] = None,
    masks: bool = False,
    needed: Sequence[str] = ('area', 'iscrowd'),
    annotated: bool = True,
    backend_args: Backend = None,
) -> CocoFile:
    """Read a file and look at all of it.

    Args:
        path: Of the JSON file, or its address.
        keypoints: How many an annotation has; None for a detector's file.
        masks: Whether masks are trained or evaluated.
        needed: Numbers of an annotation that whoever reads the file asks for; others of
            ``NUMBERS`` that are missing do no harm.
        annotated: Whether there must be annotations; a test set of COCO has none.
        backend_args: With which mmengine reads the file, as in a config.
    """
    content = _read(path, backend_args)
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
    faults = (*_images(lists['images']), *_ids('category', lists['categories']))
    found.problems += [Problem(path, text) for text in faults]
    for text, harmless in _annotations(lists, keypoints, masks, needed):
        found.problems.append(Problem(path, text, harmless))
    found.images = [image for image in lists['images'] if file_name(image) is not None]
    found.annotations = len(lists['annotations'])
    found.learnable = sum(map(_is_learnable, lists['annotations']))
    names = [category.get('name') for category in lists['categories']]
    found.categories = names if all(isinstance(name, str) for name in names) else None
    return found


def file_name(image: Dict[str, Any]) -> Optional[str]:
    """The name of an image's file; LVIS has its folder and name in COCO's address."""
    name, url = image.get('file_name'), image.get('coco_url')
    if isinstance(name, str):
        return name
    return '/'.join(url.split('/')[-2:]) if isinstance(url, str) else None


def _read(path: str, backend_args: Backend) -> Any:
    content: Any
    if is_remote(path, backend_args):
        content = fetch(path, backend_args)
        if isinstance(content, Problem):
            return content
    else:
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
) -> Iterator[Tuple[str, bool]]:
    """What is wrong, and whether the libraries pass over it, clip it or do without it.

    In one pass: COCO has 860 000 annotations.
    """
    yield from ((text, False) for text in _ids('annotation', lists['annotations']))
    images = {str(each.get('id')): each for each in lists['images']}
    categories = {str(each.get('id')): each for each in lists['categories']}
    for annotation in lists['annotations']:
        name = f'annotation {annotation.get("id")}'
        image = _get(images, annotation.get('image_id'))
        if image is None:
            yield f'{name} is of image {annotation.get("image_id")}, which is not there', False
        if _get(categories, annotation.get('category_id')) is None:
            yield f'{name} is of category {annotation.get("category_id")}, which is not there', True
        for key in NUMBERS:
            if not _is_number(annotation.get(key)):
                needs = 'needs' if key in needed else 'would need'
                yield f'{name} has no {key}, which evaluation {needs}', key not in needed
        if annotation.get('iscrowd') not in (None, 0, 1):
            yield f'{name}: iscrowd is {annotation["iscrowd"]!r}, and neither 0 nor 1', True
        box = annotation.get('bbox')
        if not _is_box(box):
            text = f'bbox is not four finite numbers [x, y, width, height]: {box}'
            yield f'{name}: {text}', False
        else:
            yield from ((f'{name}: {text}', True) for text in _odd_box(box, image or {}))
        if masks:
            found = _mask(annotation.get('segmentation'), image or {})
            yield from ((f'{name}: {text}', False) for text in found)
        if keypoints is not None:
            yield from ((f'{name}: {text}', False) for text in _keypoints(annotation, keypoints))
        if any(each not in VISIBILITIES for each in _points(annotation)[2::3]):
            yield f'{name}: visibility of a keypoint is none of 0, 1, 2', True


def _points(annotation: Dict[str, Any]) -> List[Any]:
    points = annotation.get('keypoints')
    return points if isinstance(points, list) else []


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < LARGEST
    return type(value) is float and isfinite(value)


def _get(entries: Dict[str, Dict[str, Any]], number: Any) -> Optional[Dict[str, Any]]:
    """The entry of an id, which a file may write as anything."""
    entry = entries.get(str(number))
    return entry if entry is not None and entry.get('id') == number else None


def _is_learnable(annotation: Dict[str, Any]) -> bool:
    box, area = annotation.get('bbox'), annotation.get('area', 1)
    if annotation.get('iscrowd') or not _is_box(box) or not _is_number(area):
        return False
    _, _, width, height = box or (0, 0, 0, 0)
    return bool(width >= 1 and height >= 1 and area > 0)


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))


def _odd_box(box: Any, image: Dict[str, Any]) -> Iterator[str]:
    x, y, width, height = box
    sides = image.get('width'), image.get('height')
    if width <= 0 or height <= 0:
        yield f'bbox has no area: {box}'
    elif all(type(side) is int for side in sides):
        beyond = max(-x, -y, x + width - sides[0], y + height - sides[1])
        if beyond > OUTSIDE:
            yield f'bbox {box} is {beyond:.0f} pixels outside of the image of {sides[0]}x{sides[1]}'


def _mask(mask: Any, image: Dict[str, Any]) -> Iterator[str]:
    if isinstance(mask, dict):
        yield from _run_lengths(mask, image)
        return
    if not isinstance(mask, list) or not mask:
        yield 'there is no segmentation'
        return
    for polygon in mask:
        if not isinstance(polygon, list) or not all(map(_is_number, polygon)):
            yield 'a polygon has something else than finite numbers'
        elif len(polygon) % COORDINATES or len(polygon) < COORDINATES * LEAST_POINTS:
            yield f'a polygon has {len(polygon)} numbers: x and y of three points are the least'


def _run_lengths(mask: Dict[str, Any], image: Dict[str, Any]) -> Iterator[str]:
    size, counts = mask.get('size'), mask.get('counts')
    sides = [image.get('height'), image.get('width')]
    if not isinstance(size, list) or not isinstance(counts, (list, str)):
        yield 'segmentation has no counts and size'
    elif None not in sides and size != sides:
        yield f'segmentation is of size {size}, and its image {sides} (height, width)'
    elif isinstance(counts, list) and not all(type(count) is int for count in counts):
        yield 'counts of the segmentation are not all whole numbers'
    elif isinstance(counts, list) and sum(counts) != size[0] * size[1]:
        yield f'counts of the segmentation add up to {sum(counts)} pixels, not to those of {size}'


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
