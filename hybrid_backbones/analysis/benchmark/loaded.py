"""What the pipeline of a test hands to a model: random images, and what is known of them."""

from typing import Any, Callable, Dict, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from ...errors import ConfigError


def loaded_images(
    library: str, cfg: Config, size: Tuple[int, int], batch: int, channels: int = 3
) -> Dict[str, Any]:
    """A batch as ``model.test_step`` takes it.

    Args:
        library: One of the four.
        cfg: The model's config.
        size: Height and width of the images, in pixels; they are as large as the photographs.
        batch: Images.
        channels: Of the images.

    Returns:
        ``inputs``, a list of uint8 tensors ``(C, H, W)``, and ``data_samples``.

    Raises:
        ConfigError: A pose estimator takes images of another size.
    """
    images = torch.randint(256, (batch, channels, *size), dtype=torch.uint8)
    sample = _SAMPLES[library](cfg, size)
    samples = [sample.clone() for _ in images]
    for i, each in enumerate(samples):
        each.set_metainfo(dict(img_id=i))
    return dict(inputs=list(images), data_samples=samples)


def _shapes(size: Tuple[int, int]) -> Dict[str, Any]:
    return dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0), flip=False)


def _detection(cfg: Config, size: Tuple[int, int]) -> Any:
    from mmdet.structures import DetDataSample

    border = [0, size[0], 0, size[1]]  # for CenterNet: nothing is padded
    return DetDataSample(metainfo=dict(_shapes(size), border=border))


def _segmentation(cfg: Config, size: Tuple[int, int]) -> Any:
    from mmseg.structures import SegDataSample

    return SegDataSample(metainfo=_shapes(size))


def _pose(cfg: Config, size: Tuple[int, int]) -> Any:
    from mmpose.structures import PoseDataSample

    height, width = size
    codec = cfg.get('codec') or {}
    own = codec.get('input_size') if isinstance(codec, dict) else None
    if own and tuple(own) != (width, height):
        raise ConfigError(
            f'this pose estimator takes one size of images: use `size={own[1]}x{own[0]}`, '
            f'not {height}x{width}'
        )
    corners = np.array([[0, 0, width, height]], dtype=np.float32)
    sides = np.array([width, height], dtype=np.float32)
    keypoints = cfg.model.head.get('out_channels', 17)
    sample = PoseDataSample(
        metainfo=dict(
            **_shapes(size),
            input_size=(width, height),
            input_center=sides / 2,
            input_scale=sides,
            flip_indices=list(range(keypoints)),
        )
    )
    sample.gt_instances = InstanceData(bboxes=corners, bbox_scores=np.ones(1, dtype=np.float32))
    return sample


def _classification(cfg: Config, size: Tuple[int, int]) -> Any:
    from mmpretrain.structures import DataSample

    return DataSample(metainfo=_shapes(size))


_SAMPLES: Dict[str, Callable[[Config, Tuple[int, int]], Any]] = {
    'mmdet': _detection,
    'mmseg': _segmentation,
    'mmpose': _pose,
    'mmpretrain': _classification,
}
