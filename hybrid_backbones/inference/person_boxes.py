"""Persons that somebody else has found, from a file in the format of COCO's results."""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from ..errors import ConfigError

LEAST_SCORE = 0.3  # of a box; MMPose's inferencers have the same
PERSON = 1  # in COCO's categories
FORMAT = 'a list of {"image_id": ..., "bbox": [x, y, width, height], "score": ...}'


class PrecomputedBoxes:
    """What Pose2DInferencer takes for a detector.

    Args:
        path: A JSON file: COCO's results. ``image_id`` is an image's name without its ending, or
            that as a number; ``category_id`` may be left out, other categories than persons are
            passed over; so are boxes whose ``score`` is not above ``LEAST_SCORE``.

    Raises:
        ConfigError: The file is missing or of another format.
    """

    category = 0  # of every person given

    def __init__(self, path: str):
        self.path = path
        self._boxes: Dict[str, List[List[float]]] = defaultdict(list)
        for entry in _read(path):
            try:
                x, y, width, height = map(float, entry['bbox'])
                score = float(entry.get('score', 1))
                image, category = str(entry['image_id']), entry.get('category_id', PERSON)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise ConfigError(
                    f'{path}: {json.dumps(entry)[:80]} is no box; it takes {FORMAT}'
                ) from None
            if category == PERSON and score > LEAST_SCORE:
                self._boxes[_key(image)].append([x, y, x + width, y + height, score])

    def of(self, image: Any) -> Tensor:
        """``(n, 5)``: left, top, right and bottom in pixels, and the score."""
        return torch.tensor(self._boxes.get(_key(Path(image).stem), [])).reshape(-1, 5)

    def check(self, images: List[Path]) -> None:
        """See that they are of these images.

        Raises:
            ConfigError: None of them is.
        """
        if not any(len(self.of(image)) for image in images):
            raise ConfigError(
                f'{self.path} has no person in {images[0].name}'
                f'{" or the others" if len(images) > 1 else ""}: its image_id has to be the '
                f'name of an image without its ending, its score above {LEAST_SCORE}'
            )

    def __call__(self, image: Any) -> Dict[str, List[Any]]:
        """As mmdet's DetInferencer answers."""
        boxes = self.of(image)
        labels = torch.full((len(boxes),), self.category)
        found = InstanceData(bboxes=boxes[:, :4], scores=boxes[:, 4], labels=labels)
        return dict(predictions=[SimpleNamespace(pred_instances=found)])


def _read(path: str) -> List[Any]:
    if not Path(path).is_file():
        raise ConfigError(f'no file of boxes {path}')
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except ValueError as error:
        raise ConfigError(f'{path} is no JSON ({error})') from None
    if not isinstance(content, list):
        raise ConfigError(f"{path} is not in the format of COCO's results: it takes {FORMAT}")
    return content


def _key(name: str) -> str:
    """COCO names image 785 000000000785.jpg."""
    return str(int(name)) if name.isascii() and name.isdigit() else name
