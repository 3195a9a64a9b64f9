"""A dataset's item as an image: what the model gets, and the truth drawn on it.

In OpenMMLab's libraries a pipeline ends with pixels from 0 to 255, blue first; mean and deviation
are the model's data preprocessor's. So what is shown here is what the model gets, to the pixel.
"""

import warnings
from itertools import count
from pathlib import Path
from typing import Any, Collection, Dict, Optional, Tuple

import numpy as np
from mmengine.config import ConfigDict
from mmengine.registry import VISUALIZERS
from numpy.typing import NDArray

from ...data_check.label_maps import Labels, describe_strange
from ...utils.files import atomic_path

# of the libraries' visualizers, where the config does not say: the image is to be seen below
STYLES: Dict[str, Dict[str, Any]] = dict(
    DetLocalVisualizer=dict(alpha=0.6, line_width=2),
    SegLocalVisualizer=dict(alpha=0.6),
    PoseLocalVisualizer=dict(radius=3, line_width=2),
)
LABELLED_SIZE = 256  # of an image's shorter side, where a class is written into it
NUMBERS = count()
PARTS = ('gt_instances', 'gt_sem_seg', 'gt_panoptic_seg', 'gt_fields')


class GroundTruthVisualizer:
    """Draws items of a dataset with the library's own visualizer.

    Args:
        visualizer: The config's.
        metainfo: The dataset's, with its classes, joints and colours.
        normalisation: The pipeline's ``Normalize``, if it has one.
        whole: Whether images are whole ones, in which a person's box says something.
        heatmaps: Draw a pose's target heatmaps below the image.
        ignored: Values of a mask that are no class, and need not be.
    """

    def __init__(
        self,
        visualizer: ConfigDict,
        metainfo: Dict[str, Any],
        normalisation: Optional[ConfigDict],
        whole: bool = False,
        heatmaps: bool = False,
        ignored: Collection[int] = (255,),
    ):
        self.ignored = ignored
        kind = str(visualizer.type).rpartition('.')[2]
        settings = {**STYLES.get(kind, {}), **visualizer}
        for key in ('vis_backends', 'save_dir'):
            settings.pop(key, None)  # files are written here, under other names
        settings['name'] = f'browse{next(NUMBERS)}'  # of one name there is one in a process
        self.visualizer = VISUALIZERS.build(settings)
        self.normalisation = normalisation
        self.has_truth = True
        self.options: Dict[str, Any] = {}
        if hasattr(self.visualizer, 'skeleton'):
            self.visualizer.set_dataset_meta(metainfo)
            self.options = dict(draw_bbox=whole, draw_heatmap=heatmaps)
        else:
            self.visualizer.dataset_meta = metainfo

    def draw(self, item: Dict[str, Any], path: Path) -> str:
        """Write an image, whole or not at all; with a mask, the plain one on the left.

        Args:
            item: What the pipeline returns: ``inputs`` (3, H, W) and ``data_samples``.
            path: File to write, ``.png``.

        Returns:
            What cannot be right in the truth, and the visualizer does not show; mostly nothing.

        Raises:
            ValueError: Image and mask differ in size.
        """
        image = self.pixels(item['inputs'])
        sample = _drawable(item['data_samples'])
        height, width = image.shape[:2]
        _check_size(sample, (height, width))
        with atomic_path(path) as part:
            self._draw(image, sample, part)
        return self._doubt(sample)

    def _draw(self, image: NDArray[Any], sample: Any, path: Path) -> None:
        import mmcv

        if 'gt_label' in sample:  # of a whole image
            self.visualizer.visualize_cls(
                image, sample, draw_pred=False, resize=LABELLED_SIZE, out_file=str(path)
            )
            return

        plain = mmcv.rgb2bgr(image)
        if not self.has_truth or not any(name in sample for name in PARTS):
            mmcv.imwrite(plain, str(path))
            return
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', '.*out of bounds')  # boxes end at the border
            self.visualizer.add_datasample(
                path.stem, image, sample, draw_pred=False, out_file=str(path), **self.options
            )
        if 'gt_sem_seg' in sample:  # a mask covers all: the image stands beside it
            mmcv.imwrite(np.concatenate([plain, mmcv.imread(str(path))], axis=1), str(path))

    def pixels(self, inputs: Any) -> NDArray[Any]:
        """The image ``(H, W, 3)`` uint8, red first, of a pipeline's ``inputs`` (3, H, W)."""
        image = inputs.permute(1, 2, 0).numpy().astype(np.float32)
        step = self.normalisation
        if step is not None:
            image = image * np.float32(step['std']) + np.float32(step['mean'])
        red_first = step is not None and step.get('to_rgb', True)
        image = image.round().clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(image if red_first else image[..., ::-1])

    def _doubt(self, sample: Any) -> str:
        """Values of a mask for which there is no class: training ends in an error deep inside."""
        if 'gt_sem_seg' not in sample:
            return ''
        known = len(self.visualizer.dataset_meta['classes'])
        values = np.unique(sample.gt_sem_seg.data.numpy()).tolist()
        text = describe_strange(Labels(known, ignored=frozenset(self.ignored)), values)
        return f'the mask {text}' if text else ''


def _check_size(sample: Any, size: Tuple[int, int]) -> None:
    if 'gt_sem_seg' in sample and sample.gt_sem_seg.data.dim() > 3:
        channels = sample.gt_sem_seg.data.shape[-1]
        raise ValueError(f'the mask has {channels} channels: one is needed, with class numbers')
    if 'gt_sem_seg' in sample and tuple(sample.gt_sem_seg.shape) != size:
        sides = ['x'.join(map(str, shape)) for shape in (size, sample.gt_sem_seg.shape)]
        raise ValueError(f'the image is {sides[0]} pixels, its mask {sides[1]}')


def _drawable(sample: Any) -> Any:
    """A copy of the truth as the visualizers take it."""
    sample = sample.clone()
    if 'gt_instances' not in sample:
        return sample
    instances = sample.gt_instances = sample.gt_instances.clone()
    if not len(instances):
        del sample.gt_instances  # they fail on images without objects
        return sample
    boxes = instances.get('bboxes')
    if hasattr(boxes, 'tensor'):  # mmdet's own class of boxes
        instances.bboxes = boxes.tensor
    visible = instances.get('keypoints_visible')
    if visible is not None and visible.ndim == 3:  # with a weight beside each
        instances.keypoints_visible = visible[..., 0]
    return sample
