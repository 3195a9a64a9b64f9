"""A classifier as MMPretrain's configs describe models: trained and tested by mmengine's Runner."""

from typing import Any, Dict, List, Optional, Union

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS as ALL_MODELS
from torch import Tensor

from ..backbones.families import is_builtin_type
from ..errors import ConfigError
from ..registry import MODELS
from .classifier import build_classifier
from .head import Logits

PREPROCESSOR = 'mmpretrain.ClsDataPreprocessor'


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """A backbone and the head that its authors published, with a loss.

    Names of weights are those of :func:`hybrid_backbones.create_classifier`: its checkpoint is one
    for the backbone in a detector, too. Where the network has two classifiers in training, each has
    the loss, and their mean is learnt from, as Conformer's and UniFormer's authors did.

    Args:
        backbone: ``dict(type='hybrid_backbones.<family>', ...)``, without what the head decides.
        head: ``num_classes``, and ``loss``, a loss of MMPretrain's.
        train_cfg: As of MMPretrain's classifiers: ``augments``, for whole batches.
        data_preprocessor: As there. The number of classes is the head's.
        init_cfg: As in mmengine.

    Raises:
        ConfigError: The backbone is of another package, or has an option that is the head's to
            decide; or the head has others than these.
    """

    def __init__(
        self,
        backbone: Dict[str, Any],
        head: Dict[str, Any],
        train_cfg: Optional[Dict[str, Any]] = None,
        data_preprocessor: Optional[Dict[str, Any]] = None,
        init_cfg: Optional[Dict[str, Any]] = None,
    ):
        num_classes = _check_head(head)['num_classes']
        preprocessor = dict(data_preprocessor or {}, num_classes=num_classes)
        preprocessor.setdefault('type', PREPROCESSOR)
        preprocessor.setdefault('batch_augments', train_cfg)
        super().__init__(preprocessor, init_cfg)
        arguments = dict(backbone)
        kind, weights = str(arguments.pop('type', None)), arguments.pop('init_cfg', None)
        if not is_builtin_type(kind):
            raise ConfigError(f'the backbone must be of hybrid_backbones, got {kind}')
        parts = build_classifier(kind.rpartition('.')[2], arguments, num_classes)
        self.backbone, self.head = parts.backbone, parts.head
        self.backbone.init_cfg = weights
        self.loss_module = ALL_MODELS.build(head['loss'])

    def forward(
        self, inputs: Tensor, data_samples: Optional[List[Any]] = None, mode: str = 'tensor'
    ) -> Union[Logits, Dict[str, Tensor], List[Any]]:
        """Logits, losses or predictions of images ``(N, in_channels, H, W)``.

        Args:
            inputs: As the data preprocessor gives them.
            data_samples: MMPretrain's, with the labels; needed but for logits.
            mode: ``'tensor'``: logits; ``'loss'``: losses by name; ``'predict'``: the data samples,
                with scores ``(num_classes,)`` and the class of the highest.

        Raises:
            ConfigError: In training, of a network with token labelling.
        """
        logits = self.head(*self.backbone.forward_with_token(inputs))
        if mode == 'tensor':
            return logits
        samples = data_samples or []
        return self._losses(logits, samples) if mode == 'loss' else _predict(logits, samples)

    def _losses(self, logits: Logits, samples: List[Any]) -> Dict[str, Tensor]:
        if isinstance(logits, Tensor):
            return dict(loss=self._loss(logits, samples))
        if any(each.dim() > 2 for each in logits):
            raise ConfigError(
                'token labelling needs a label for each position, which no dataset here has: name '
                'an arch that does not end in _tl'
            )
        return {
            f'loss_{i}': self._loss(each, samples) / len(logits) for i, each in enumerate(logits)
        }

    def _loss(self, logits: Tensor, samples: List[Any]) -> Tensor:
        if 'gt_score' in samples[0]:  # mixed images
            target = torch.stack([sample.gt_score for sample in samples])
        else:
            target = torch.cat([sample.gt_label for sample in samples])
        return self.loss_module(logits, target)


def _check_head(head: Dict[str, Any]) -> Dict[str, Any]:
    if set(head) != {'num_classes', 'loss'}:
        raise ConfigError(
            f'head has {", ".join(head) or "no options"}; it must have num_classes and loss'
        )
    return head


def _predict(logits: Any, samples: List[Any]) -> List[Any]:
    for sample, scores in zip(samples, logits.softmax(1)):
        sample.set_pred_score(scores).set_pred_label(scores.argmax(0, keepdim=True))
    return samples
