"""Whole models with channels last, where mmcv's compiled operators let them."""

from typing import Any, Dict, Tuple

import torch
from torch import Tensor, nn

from ..backbones import HybridBackbone

OPERATORS = ['mmcv', 'ops']


def to_channels_last(model: nn.Module) -> nn.Module:
    """Have the convolutions of a model compute with channels last, **in place**.

    A convolution whose weights are laid out like that returns such a map, and so do norms and
    activations behind it: in neck and heads, all maps. Levels of the backbones of this package
    leave as they come, without a copy to ``(N, C, H, W)``.

    mmcv's compiled RoIAlign and others take any memory for ``(N, C, H, W)`` and would give wrong
    numbers: modules of ``mmcv.ops`` keep contiguous weights and are given contiguous maps. A head
    that calls such an operator as a function has to see to that itself.

    Args:
        model: Of any library, or a backbone.

    Returns:
        ``model``.
    """
    _lay_out(model, torch.channels_last)
    for module in model.modules():
        if isinstance(module, HybridBackbone):
            module.contiguous_levels = False
        elif type(module).__module__.split('.')[:2] == OPERATORS:
            _lay_out(module, torch.contiguous_format)
            module.register_forward_pre_hook(_contiguous, with_kwargs=True)
    return model


def _lay_out(module: nn.Module, order: torch.memory_format) -> None:
    options: Dict[str, Any] = dict(memory_format=order)  # which torch's own types do not know
    module.to(**options)


def _contiguous(
    module: nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]
) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
    return tuple(map(_map, args)), {name: _map(value) for name, value in kwargs.items()}


def _map(value: Any) -> Any:
    return value.contiguous() if isinstance(value, Tensor) and value.dim() == 4 else value
