"""TransXNet's classifier: on the mean of the last map."""

from typing import Any, Optional, Sequence

from torch import Tensor, nn

from ...backbones import TransXNet
from ...layers import GroupNorm
from ..head import ClassifierHead, Logits, register_head

NORM_EPS = 1e-5


@register_head('TransXNet')
class TransXNetHead(ClassifierHead):
    """GroupNorm with one group, the mean over the map, and a 1x1 convolution."""

    class_layers = ('classifier.2.',)

    def __init__(self, backbone: TransXNet, num_classes: int, arch: Any = None):
        super().__init__(backbone, num_classes, arch)
        dim = backbone.out_channels[-1]
        layer = nn.Conv2d(dim, num_classes, 1)
        nn.init.trunc_normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # there is one
        self.classifier = nn.Sequential(
            GroupNorm(1, dim, eps=NORM_EPS), nn.AdaptiveAvgPool2d(1), layer
        )

    def forward(self, levels: Sequence[Tensor], token: Optional[Tensor]) -> Logits:
        return self.classifier(levels[-1]).flatten(1)
