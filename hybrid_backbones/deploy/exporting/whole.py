"""Whole segmentors and top-down pose estimators as functions of images.

Mean and standard deviation are taken off before, as for a backbone and as MMDeploy has it: whoever
runs the file has the image in bytes, and most runtimes do that while they resize it. What it takes
is in the file's metadata.
"""

import json
from typing import Any, Dict, NamedTuple, Optional, Tuple

from mmengine.config import Config
from torch import Tensor, nn

from ...config.data import datasets_of
from ...errors import ConfigError
from ...openmmlab.library import library_of
from .formats import Labels
from .heads import register_segmentation_heads
from .of_images import OfImages
from .trace import Size

REFUSED = dict(
    mmdet='is a detector, whose boxes need the NMS of each runtime: MMDeploy is for those (see '
    'docs/export.md); without `whole` its backbone is exported',
    mmpretrain='is a classifier: `whole` is for segmentors and top-down pose estimators; without '
    'it its backbone is exported',
)


class Segmentor(OfImages):
    """Images ``(N, C, H, W)`` to logits ``(N, classes, H, W)``."""

    def forward(self, images: Tensor) -> Tuple[Tensor, ...]:
        """As MMSegmentation's models predict a whole image: the head's logits, resized."""
        return (self.model.encode_decode(images, [dict(img_shape=images.shape[2:])]),)


class TopDownPose(OfImages):
    """Images of a person each, ``(N, C, H, W)``, to heatmaps ``(N, keypoints, h, w)``."""

    def forward(self, images: Tensor) -> Tuple[Tensor, ...]:
        """Heatmaps without flip test, which is not of the network."""
        return (self.model.head.forward(self.model.extract_feat(images)),)


class WholeModel(NamedTuple):
    """What is exported.

    Args:
        network: A function of images.
        labels: The output's name, and what the file says of itself.
        size: Height and width that all images will have; None: any.
    """

    network: OfImages
    labels: Labels
    size: Optional[Size]


def whole_model(
    model: Any, cfg: Config, name: str, in_channels: int, size: Optional[Size] = None
) -> WholeModel:
    """Make a model ready for :func:`hybrid_backbones.deploy.exporting.export.export`.

    Args:
        model: Built from the config, in eval mode; its backbone may be folded.
        cfg: Of MMSegmentation or MMPose.
        name: Of the config.
        in_channels: Of the images.
        size: Height and width that all images will have. None: any for a segmentor, and for a pose
            estimator the one that its keypoints are encoded for.

    Raises:
        ConfigError: It is a model of another kind, or gives no logits and no heatmaps.
    """
    check_library(cfg, name)
    network: OfImages
    if cfg.default_scope == 'mmseg':
        register_segmentation_heads()
        network, output = Segmentor(model, in_channels), 'logits'
        metadata = dict(task='segmentation', **_tested(cfg))
    else:
        _check_heatmaps(model, name)
        width, height = cfg.codec['input_size']
        network, output = TopDownPose(model, in_channels), 'heatmaps'
        size = size or (height, width)
        metadata = dict(task='topdown_pose', codec=_json(cfg.codec))
    metadata.update(config=name, **preprocessing(cfg, size))
    return WholeModel(network.eval(), Labels((output,), metadata), size)


def check_library(cfg: Config, name: str) -> None:
    """See that a model is of a kind that is exported whole.

    Raises:
        ConfigError: It is not.
    """
    library = library_of(cfg, name)
    if library in REFUSED:
        raise ConfigError(f'{name} {REFUSED[library]}')


def preprocessing(cfg: Config, size: Optional[Size]) -> Dict[str, str]:
    """What is done to an image before, as strings: JSON where it is no name.

    ``mean`` and ``std`` of each channel, on a scale of 0 to 255, in the order that channels have
    after ``bgr_to_rgb``; ``input_size`` is height and width, or ``any``.
    """
    given = cfg.model.get('data_preprocessor') or {}
    return dict(
        mean=_json(given.get('mean')),
        std=_json(given.get('std')),
        bgr_to_rgb=_json(bool(given.get('bgr_to_rgb'))),
        input_size=_json(list(size)) if size else 'any',
    )


def _tested(cfg: Config) -> Dict[str, str]:
    """How MMSegmentation would go over an image, and the names of the classes."""
    test = cfg.model.get('test_cfg') or {}
    kept = {key: test[key] for key in ('mode', 'crop_size', 'stride') if key in test}
    dataset = datasets_of(cfg, 'test_dataloader')[0] if cfg.get('test_dataloader') else {}
    kind = str(dataset.get('type', ''))
    return dict(test_cfg=_json(kept), **(dict(dataset=kind) if kind else {}))


def _check_heatmaps(model: nn.Module, name: str) -> None:
    from mmpose.models import HeatmapHead, TopdownPoseEstimator

    if not isinstance(model, TopdownPoseEstimator) or not isinstance(model.head, HeatmapHead):
        head = type(getattr(model, 'head', None)).__name__
        raise ConfigError(
            f'{name} is a {type(model).__name__} with a {head}: of MMPose, top-down models whose '
            'head gives heatmaps are exported whole'
        )


def _json(value: Any) -> str:
    return json.dumps(value.to_dict() if hasattr(value, 'to_dict') else value)
