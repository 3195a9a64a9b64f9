"""A backbone and a head."""

from typing import Any, Dict

from torch import Tensor, nn

from ..backbones import HybridBackbone, families
from ..errors import ConfigError, as_config_error
from .head import ClassifierHead, Logits, head_of

# what is the head's to decide
DECIDED = ('out_indices', 'out_norm', 'init_cfg')


class Classifier(nn.Module):
    """Logits of images, as the network that the authors trained on ImageNet computes them.

    Args:
        backbone: Without norms on its levels.
        head: The family's.
    """

    def __init__(self, backbone: HybridBackbone, head: ClassifierHead):
        super().__init__()
        self.backbone = backbone
        self.head = head

    @property
    def num_classes(self) -> int:
        """Logits of each image."""
        return self.head.num_classes

    def forward(self, images: Tensor) -> Logits:
        """Logits ``(N, num_classes)``.

        In training mode a pair, where the authors' network has two classifiers: of Conformer's
        branches; of a light UniFormer's map and class token; of a UniFormer with token labelling
        those of the image and of its positions ``(N, H * W, num_classes)``.

        Args:
            images: ``(N, in_channels, H, W)``, H and W at least 32.
        """
        return self.head(*self.backbone.forward_with_token(images))


def build_classifier(family: str, arguments: Dict[str, Any], num_classes: int) -> Classifier:
    """A classifier with random weights, in training mode.

    Args:
        family: Class name of the backbone.
        arguments: Of the backbone, but for those that are the head's to decide.
        num_classes: Logits of each image.

    Raises:
        ConfigError: The family has no head, or an argument is none of a classifier's.
    """
    head = head_of(family)
    if type(num_classes) is not int or num_classes < 1:
        raise ConfigError(f'num_classes must be a positive int, got {num_classes!r}')
    decided = [name for name in DECIDED if name in arguments]
    if decided:
        raise ConfigError(
            f'a classifier has no option {", ".join(map(repr, decided))}: its head says what it '
            'takes; for the maps of a backbone use create_backbone'
        )
    with as_config_error('', (TypeError, ValueError)):
        backbone = families()[family](**arguments, out_indices=head.levels)
    backbone.remove_out_norms()
    return Classifier(backbone, head(backbone, num_classes, arguments.get('arch')))
