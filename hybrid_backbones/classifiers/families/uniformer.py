"""UniFormer's classifiers: on the mean of the last map, and what two ways of training add."""

from typing import Any, Optional, Sequence

from torch import Tensor, nn

from ...backbones import UniFormer
from ...layers import BatchNorm2d, init_linear
from ..head import ClassifierHead, Logits, register_head

AUX_WEIGHT = 0.5  # of the best position's logits


@register_head('UniFormer')
class UniFormerHead(ClassifierHead):
    """BatchNorm, the mean over the map, and a layer.

    The light variants have a second classifier, on the class token, in training alone: a pair
    then. Those trained with token labelling (Jiang et al. 2021, https://arxiv.org/abs/2104.10858)
    have a second one at each position: in training a pair, the other one ``(N, H * W, classes)``;
    else half of the highest logits over the positions is added.

    Args:
        backbone, num_classes: As in :class:`ClassifierHead`.
        arch: A name that ends in ``_tl`` is of one trained with token labelling.
    """

    class_layers = ('head.', 'head_cls.', 'aux_head.')

    def __init__(self, backbone: UniFormer, num_classes: int, arch: Any = None):
        super().__init__(backbone, num_classes, arch)
        dim = backbone.out_channels[-1]
        self.norm = BatchNorm2d(dim)
        self.head = nn.Linear(dim, num_classes)
        self.norm_cls = self.head_cls = self.aux_head = None
        if backbone.arch.token_pruning:
            self.norm_cls = nn.LayerNorm(dim)
            self.head_cls = nn.Linear(dim, num_classes)
        elif isinstance(arch, str) and arch.endswith('_tl'):
            self.aux_head = nn.Linear(dim, num_classes)
        self.apply(init_linear)

    def forward(self, levels: Sequence[Tensor], token: Optional[Tensor]) -> Logits:
        tokens = self.norm(levels[-1]).flatten(2).transpose(1, 2)
        logits = self.head(tokens.mean(1))
        if self.aux_head is not None:
            aux = self.aux_head(tokens)
            return (logits, aux) if self.training else logits + AUX_WEIGHT * aux.amax(1)
        if self.training and self.norm_cls is not None and self.head_cls is not None:
            return logits, self.head_cls(self.norm_cls(token))
        return logits
