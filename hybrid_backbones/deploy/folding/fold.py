"""Computing once what a backbone in eval mode would compute for every image."""

import copy
from typing import Optional, Tuple, cast

import torch
from torch import Tensor, nn

from ...backbones import HybridBackbone
from .convolutions import fold_convolutions
from .families import RULES


class FoldedBackbone(nn.Module):
    """A backbone for inference, as :func:`fold` makes it.

    Args:
        body: The changed copy of the backbone, in eval mode. The names in the state dict begin
            with ``body.``: folded weights are no checkpoint of the backbone.

    Attributes:
        arch: As of the backbone.
        in_channels: As of the backbone.
        out_indices: As of the backbone.
        out_channels: As of the backbone.
        out_strides: As of the backbone.
    """

    def __init__(self, body: HybridBackbone):
        super().__init__()
        self.body = body
        self.arch = body.arch
        self.in_channels = body.in_channels
        self.out_indices = body.out_indices
        self.out_channels = body.out_channels
        self.out_strides = body.out_strides
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        """``(N, in_channels, H, W)`` to the levels ``out_indices``, as the backbone's own call."""
        return self.body(x)

    def forward_with_token(self, x: Tensor) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        """As of the backbone."""
        return self.body.forward_with_token(x)

    def train(self, mode: bool = True) -> 'FoldedBackbone':
        """Stay in eval mode.

        Raises:
            ValueError: ``mode`` is True.
        """
        if mode:
            raise ValueError(
                'a folded backbone is for inference: train the backbone it was made from'
            )
        return super().train(False)


@torch.no_grad()
def fold(backbone: HybridBackbone) -> FoldedBackbone:
    """The same function of an image, with less to compute. ``backbone`` stays as it is.

    BatchNorms and layer scales go into the convolutions and linear layers next to them, residual
    depthwise convolutions lose their sum, drop path goes. Sums are taken in float64 and rounded
    once: outputs differ by the rounding of the type computed in. To run in a smaller type, fold
    first and convert then.

    On a GPU the heads of attention become as wide as its kernels want them, by zeros in the
    weights: move the backbone there first.

    What cannot go exactly stays; ``hybrid_backbones/deploy/folding/families`` says what, family by
    family.

    Args:
        backbone: Of any family, in eval mode.

    Raises:
        TypeError: It is none of this package's backbones.
        ValueError: It is in training mode, or folded already.

    Example:
        >>> import torch
        >>> from hybrid_backbones import create_backbone, fold
        >>> backbone = create_backbone('uniformer_xxs', out_indices=(1, 2)).eval()
        >>> folded = fold(backbone)
        >>> [tuple(level.shape) for level in folded(torch.rand(1, 3, 64, 96))]
        [(1, 112, 8, 12), (1, 224, 4, 6)]
        >>> sum(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
        0
    """
    if isinstance(backbone, FoldedBackbone):
        raise ValueError('this backbone is folded already')
    if not isinstance(backbone, HybridBackbone):
        raise TypeError(
            'fold takes a backbone of this package, and fold_model a model whose .backbone is one; '
            f'got a {type(backbone).__name__}'
        )
    if any(module.training for module in backbone.modules()):
        raise ValueError(
            'a backbone in training mode cannot be folded, its BatchNorms look at the batch: '
            'call .eval() first'
        )
    body = copy.deepcopy(backbone)
    for parameter in body.parameters():
        parameter.grad = None
    for stage in body.stages:
        stage.num_checkpointed = 0  # there is no backward pass to save memory for
    folded = _fold_tree(body)
    assert isinstance(folded, HybridBackbone)  # no rule takes the place of a backbone
    return FoldedBackbone(folded)


def fold_model(model: nn.Module) -> nn.Module:
    """Fold a whole detector, segmentor, pose estimator or classifier, **in place**.

    The backbone as :func:`fold` does it; in neck and heads, auxiliary ones too, BatchNorms go into
    the convolutions right before them (``hybrid_backbones/deploy/folding/convolutions.py`` says
    which stay).

    Args:
        model: Anything whose ``.backbone`` is a backbone of this package in eval mode. It is
            replaced by a :class:`FoldedBackbone`, and the model can no longer be trained.

    Returns:
        ``model``.

    Raises:
        TypeError: It has no ``.backbone``, or one that is none of this package's.
        ValueError: The backbone is in training mode, or folded already.
    """
    backbone = getattr(model, 'backbone', None)
    if not isinstance(backbone, nn.Module):
        raise TypeError(
            'fold_model takes a detector, segmentor or pose estimator with a .backbone; '
            f'got a {type(model).__name__}'
        )
    folded = fold(cast(HybridBackbone, backbone))  # which checks what it is
    fold_convolutions(model, leave=backbone)
    model.backbone = folded
    return model


def _fold_tree(module: nn.Module) -> nn.Module:
    """Fold the children, then the module; returns what shall stand in its place."""
    for name, child in list(module.named_children()):
        setattr(module, name, _fold_tree(child))
    rule = RULES.get(type(module))
    return rule(module) if rule else module
