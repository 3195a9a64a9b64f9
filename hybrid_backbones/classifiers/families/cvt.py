"""CvT's classifier (section 3): on the class token."""

from typing import Any, Optional, Sequence

from torch import Tensor, nn

from ...backbones import CvT
from ...layers import init_linear
from ..head import ClassifierHead, Logits, register_head

NORM_EPS = 1e-5


@register_head('CvT')
class CvTHead(ClassifierHead):
    """LayerNorm and a layer on the class token of the third stage, the last one published."""

    levels = (2,)

    def __init__(self, backbone: CvT, num_classes: int, arch: Any = None):
        super().__init__(backbone, num_classes, arch)
        dim = backbone.arch.dims[-1]
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.head = nn.Linear(dim, num_classes)
        self.apply(init_linear)

    def forward(self, levels: Sequence[Tensor], token: Optional[Tensor]) -> Logits:
        return self.head(self.norm(token))
