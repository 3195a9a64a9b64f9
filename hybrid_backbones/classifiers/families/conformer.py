"""Conformer's two classifiers (section 3.1): one for each branch."""

from typing import Any, Optional, Sequence

from torch import Tensor, nn

from ...backbones import Conformer
from ...layers import init_linear
from ..head import ClassifierHead, Logits, register_head

NORM_EPS = 1e-5  # not that of the norms inside


@register_head('Conformer')
class ConformerHead(ClassifierHead):
    """A layer on the mean of the CNN branch's map, and one on the class token.

    The prediction is their sum. In training each has a loss of its own: a pair, CNN first.
    """

    class_layers = ('conv_cls_head.', 'trans_cls_head.')

    def __init__(self, backbone: Conformer, num_classes: int, arch: Any = None):
        super().__init__(backbone, num_classes, arch)
        embed_dim = backbone.arch.embed_dim
        self.trans_norm = nn.LayerNorm(embed_dim, eps=NORM_EPS)
        self.trans_cls_head = nn.Linear(embed_dim, num_classes)
        self.conv_cls_head = nn.Linear(backbone.out_channels[-1], num_classes)
        self.apply(init_linear)

    def forward(self, levels: Sequence[Tensor], token: Optional[Tensor]) -> Logits:
        conv = self.conv_cls_head(levels[-1].mean((2, 3)))
        trans = self.trans_cls_head(self.trans_norm(token))
        return (conv, trans) if self.training else conv + trans
