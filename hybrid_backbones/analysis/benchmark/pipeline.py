"""A config's train pipeline on a drawn photograph: what it makes of it, and in which time."""

import copy
import tempfile
import warnings
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate

from ...config.data import datasets_of
from ...errors import ConfigError, as_config_error
from ...openmmlab.dataset_class import metainfo_of, setting_of
from ...openmmlab.library import in_scope
from ...synthetic.scenes import draw_scene
from .timing import Clock

OBJECTS = 7  # in one photograph, as COCO has on average
CORNERS = 20  # of an outline
UNLABELLED = 255


def run_pipeline(
    library: str, cfg: Config, size: Tuple[int, int], batch: int, repeats: int, clock: Clock
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Load a photograph as the config's training does, often, as one worker of a loader.

    Args:
        library: One of the four.
        cfg: Its ``train_dataloader`` has a dataset with a pipeline.
        size: Height and width of the photograph, in pixels; it is a JPEG of quality 95.
        batch: Images of a batch.
        repeats: Images that are timed; as many as are in a batch at least.
        clock: Tells the time in seconds.

    Returns:
        The batch, as ``model.train_step`` takes it; and ``median`` and ``all``, seconds of one
        image.

    Raises:
        ConfigError: There is no pipeline, or it fails: it may mix several images.
    """
    dataset = next(iter(datasets_of(cfg, 'train_dataloader')), None)
    if dataset is None or not dataset.get('pipeline'):
        raise ConfigError('the config has no pipeline in `train_dataloader.dataset`')
    failure = 'the train pipeline does not take one drawn photograph'
    np.random.seed(0)
    with tempfile.TemporaryDirectory() as folder, in_scope(library), as_config_error(failure):
        raw = _photograph(library, cfg, dataset, size, Path(folder))
        pipeline = Compose(dataset.pipeline)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the transforms' to those who write them
            items, seconds = _repeat(pipeline, raw, max(repeats, batch), clock)
    return pseudo_collate(items[:batch]), dict(median=median(seconds), all=seconds)


def _repeat(
    pipeline: Callable[..., Any], raw: Dict[str, Any], count: int, clock: Clock
) -> Tuple[List[Any], List[float]]:
    items, seconds = [], []
    for turn in range(-1, count):
        given = copy.deepcopy(raw)
        start = clock()
        item = pipeline(given)
        if turn >= 0:
            seconds.append(clock() - start)
            items.append(item)
    if any(item is None for item in items):
        raise ValueError('it threw the photograph away')
    return items, seconds


class one_thread:
    """OpenCV as in a worker of a dataloader."""

    def __enter__(self) -> None:
        import cv2

        self._threads = cv2.getNumThreads()
        cv2.setNumThreads(0)

    def __exit__(self, *error: Any) -> None:
        import cv2

        cv2.setNumThreads(self._threads)


def _photograph(
    library: str, cfg: Config, dataset: ConfigDict, size: Tuple[int, int], folder: Path
) -> Dict[str, Any]:
    """What the dataset knows of an image before the pipeline, as the libraries' own datasets do."""
    import cv2

    path = folder / 'photograph.jpg'
    image = draw_scene(0, max_objects=0, sides=[size]).image
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    known = dict(img_path=str(path), sample_idx=0)
    return {**known, **_KNOWN[library](cfg, dataset, size, folder)}


def _boxes(size: Tuple[int, int]) -> Any:
    """``(OBJECTS, 4)``, left, top, right and bottom, a sixth to a half of the sides."""
    rng = np.random.default_rng(0)
    height, width = size
    sides = rng.uniform(1 / 6, 1 / 2, (OBJECTS, 2)) * [width, height]
    corner = rng.uniform(0, 1, (OBJECTS, 2)) * ([width, height] - sides)
    return np.concatenate([corner, corner + sides], 1).round(1)


def _detection(
    cfg: Config, dataset: ConfigDict, size: Tuple[int, int], folder: Path
) -> Dict[str, Any]:
    instances = [
        dict(bbox=box.tolist(), bbox_label=i, ignore_flag=0, mask=[_outline(box)])
        for i, box in enumerate(_boxes(size))
    ]
    return dict(img_id=0, height=size[0], width=size[1], instances=instances)


def _outline(box: Any) -> List[float]:
    """An ellipse as a polygon: x, y, x, y, ..."""
    angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    middle, radius = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    points = middle + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    return [float(value) for value in points.flatten()]


def _segmentation(
    cfg: Config, dataset: ConfigDict, size: Tuple[int, int], folder: Path
) -> Dict[str, Any]:
    import cv2

    path = folder / 'labels.png'
    labels = np.ones(size, dtype=np.uint8)
    for i, (left, top, right, bottom) in enumerate(_boxes(size).astype(int)):
        labels[top:bottom, left:right] = i + 2
    labels[:2] = UNLABELLED
    cv2.imwrite(str(path), labels)
    return dict(
        seg_map_path=str(path),
        label_map=None,
        reduce_zero_label=bool(setting_of(cfg, dataset, 'reduce_zero_label')),
        seg_fields=[],
    )


def _pose(cfg: Config, dataset: ConfigDict, size: Tuple[int, int], folder: Path) -> Dict[str, Any]:
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    meta = parse_pose_metainfo(dict(dataset.get('metainfo') or metainfo_of(cfg, dataset)))
    box = _boxes(size)[:1].astype(np.float32)
    count = len(meta['keypoint_id2name'])
    share = np.random.default_rng(1).uniform(0, 1, (1, count, 2))
    points = box[:, None, :2] + share * (box[:, None, 2:] - box[:, None, :2])
    passed_on = (
        *('dataset_name', 'upper_body_ids', 'lower_body_ids', 'flip_pairs'),
        *('dataset_keypoint_weights', 'flip_indices', 'skeleton_links'),
    )
    return dict(
        **{name: copy.deepcopy(meta[name]) for name in passed_on},
        id=0,
        img_id=0,
        bbox=box,
        bbox_score=np.ones(1, dtype=np.float32),
        num_keypoints=count,
        keypoints=points.astype(np.float32),
        keypoints_visible=np.ones((1, count), dtype=np.float32),
        category_id=np.array(1),
    )


def _classification(
    cfg: Config, dataset: ConfigDict, size: Tuple[int, int], folder: Path
) -> Dict[str, Any]:
    return dict(gt_label=np.array(0, dtype=np.int64))


_KNOWN: Dict[str, Callable[[Config, ConfigDict, Tuple[int, int], Path], Dict[str, Any]]] = {
    'mmdet': _detection,
    'mmseg': _segmentation,
    'mmpose': _pose,
    'mmpretrain': _classification,
}
