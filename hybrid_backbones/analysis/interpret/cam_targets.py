"""Numbers whose gradients say what a model looks at: the score of one class.

A target takes images ``(1, 3, H, W)``, normalised, and returns a number. It also says which class
it took, where that was left to it.
"""

from typing import Any, Callable, Dict, Optional, Type

import torch
from torch import Tensor, nn

from ...backbones.base import HybridBackbone
from ...errors import ConfigError


class Target:
    """The score of one class.

    Args:
        label: The class; None: the one of the highest score, written here by the first call.
        what: What is measured, for a caption.
    """

    what = ''

    def __init__(self, label: Optional[int] = None):
        self.label = label

    def __call__(self, image: Tensor) -> Tensor:
        """The number."""
        raise NotImplementedError

    def choose(self, scores: Tensor) -> int:
        """The class that was asked for, else the best of ``(classes,)``.

        Raises:
            ConfigError: There is no such class.
        """
        if self.label is None:
            self.label = int(scores.argmax())
        if not 0 <= self.label < len(scores):
            raise ConfigError(f'`label` must be from 0 to {len(scores) - 1}, got {self.label}')
        return self.label


TargetOf = Callable[[nn.Module, Optional[int]], Target]  # of a model and the class
_LOGITS: Dict[str, Type[Target]] = {}


def published_logit(family: str) -> Callable[[Type[Target]], Type[Target]]:
    """A decorator for the target that is a class of a family's published classifier.

    Args:
        family: Class name of the backbone. The target is built from the backbone, the file of its
            weights or None, and the class or None.
    """

    def register(target: Type[Target]) -> Type[Target]:
        _LOGITS[family] = target
        return target

    return register


def logit_of(backbone: HybridBackbone, weights: Optional[str], label: int) -> Target:
    """The logit of a class of the classifier that was published with a backbone.

    Args:
        backbone: With the file's weights.
        weights: The file.
        label: The class.

    Raises:
        ConfigError: There is none, or the file has it not.
    """
    family = type(backbone).__name__
    if family not in _LOGITS:
        raise ConfigError(f'`label` is for a config: the classifier of {family} is not known here')
    kind: Any = _LOGITS[family]
    return kind(backbone, weights, label)


class Segments(Target):
    """The sum of a class' logits over the positions where it is predicted; over all if nowhere."""

    what = 'sum of logits where it is predicted'

    def __init__(self, model: nn.Module, label: Optional[int] = None):
        super().__init__(label)
        self.model: Any = model

    def __call__(self, image: Tensor) -> Tensor:
        """The sum; the class is by default the one that is predicted most often."""
        logits = self.model(image, mode='tensor')[0]
        predicted = logits.argmax(0)
        label = self.choose(predicted.flatten().bincount(minlength=len(logits)))
        where = predicted == label
        return logits[label][where].sum() if where.any() else logits[label].sum()


class Detections(Target):
    """The highest logit of a class, over all anchors or over all proposals of the first stage."""

    what = 'highest logit'

    def __init__(self, model: nn.Module, label: Optional[int] = None):
        super().__init__(label)
        self.model: Any = model

    def __call__(self, image: Tensor) -> Tensor:
        """The logit."""
        two_stages = getattr(self.model, 'with_roi_head', False)
        logits = self._of_regions(image) if two_stages else self._of_anchors(image)
        best = logits.amax(0)
        return best[self.choose(best)]

    def _of_anchors(self, image: Tensor) -> Tensor:
        """``(anchors, classes)``."""
        levels = self.model(image, mode='tensor')[0]
        classes = self.model.bbox_head.cls_out_channels
        return torch.cat(
            [level[0].unflatten(0, (-1, classes)).flatten(2).mT.flatten(0, 1) for level in levels]
        )

    def _of_regions(self, image: Tensor) -> Tensor:
        """``(proposals, classes)``; where the proposals are has no gradient."""
        from mmdet.structures import DetDataSample

        shape = tuple(image.shape[2:])
        samples = [DetDataSample(metainfo=dict(img_shape=shape, scale_factor=(1.0, 1.0)))]
        features = self.model.extract_feat(image)
        with torch.no_grad():
            proposals = self.model.rpn_head.predict(features, samples, rescale=False)
        scores: Any = self.model.roi_head(features, proposals, samples)[0]
        if not isinstance(scores, Tensor):  # a cascade's, one for each image
            (scores,) = scores
        return scores[:, :-1]  # the last one is the background


class Keypoints(Target):
    """The highest value of a keypoint's heatmap."""

    what = 'highest value of its heatmap'

    def __init__(self, model: nn.Module, label: Optional[int] = None):
        super().__init__(label)
        self.model: Any = model

    def __call__(self, image: Tensor) -> Tensor:
        """The value."""
        best = self.model(image, None, mode='tensor')[0].flatten(1).amax(1)
        return best[self.choose(best)]


class Classes(Target):
    """The logit of a class."""

    what = 'logit'

    def __init__(self, model: nn.Module, label: Optional[int] = None):
        super().__init__(label)
        self.model: Any = model

    def __call__(self, image: Tensor) -> Tensor:
        """The logit."""
        logits = self.model(image, mode='tensor')[0]
        return logits[self.choose(logits)]


OF_MODELS: Dict[str, TargetOf] = {
    'mmdet': Detections,
    'mmseg': Segments,
    'mmpose': Keypoints,
    'mmpretrain': Classes,
}
