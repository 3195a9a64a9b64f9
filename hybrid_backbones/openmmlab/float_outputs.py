"""Heads whose outputs are in float32, whatever they are computed in."""

from typing import Any, Dict

import torch
from torch import Tensor, nn

from .heads import each_head

FEATURES = ('backbone', 'neck')  # of models; what they give goes on into heads


def float_outputs(model: nn.Module) -> None:
    """Let all heads of a model give float32, **in place**: losses and decoding start from that.

    Under bfloat16 autocast they would go on in 8 bits of precision, or not at all: numpy, in which
    heatmaps are decoded and metrics computed, has no such type.

    Args:
        model: A model of MMDetection, MMSegmentation, MMPose or MMPretrain. Its heads get classes
            that derive from theirs; weights and their names stay.
    """
    for name, child in model.named_modules():
        if name.partition('.')[0] not in FEATURES and name.endswith('head'):
            for head in each_head(child):
                if not isinstance(head, FloatOutputs):
                    head.__class__ = _with_float_outputs(type(head))


class FloatOutputs(nn.Module):
    """Stands before a head's class."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the head returns, its tensors of 16 bits cast to float32."""
        return as_float(super().forward(*args, **kwargs))


_classes: Dict[type, Any] = {}


def _with_float_outputs(cls: type) -> Any:
    if cls not in _classes:
        _classes[cls] = type(cls.__name__, (FloatOutputs, cls), {})
    return _classes[cls]


def as_float(output: Any) -> Any:
    """The same tuples, lists and dicts, with float32 where there were tensors of 16 bits."""
    if isinstance(output, Tensor):
        return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
    if isinstance(output, dict):
        return {key: as_float(value) for key, value in output.items()}
    if isinstance(output, (list, tuple)):
        return type(output)(as_float(each) for each in output)
    return output
