"""Whether tensors of a checkpoint can be weights."""

from typing import Any, List, Mapping

import torch
from torch import Tensor

LEARNT = ('.weight', '.bias', '.running_mean', '.running_var')
MASKS = ('mask',)  # the end of names under which infinity is meant


def find_invalid(state: Mapping[str, Any]) -> List[str]:
    """The names of tensors with numbers that no training ends with.

    These are infinities, and what is not a number; and variances of batch norms below zero.
    """
    return [
        name for name, value in state.items() if isinstance(value, Tensor) and _bad(name, value)
    ]


def _bad(name: str, value: Tensor) -> bool:
    if not value.is_floating_point() or value.numel() == 0 or name.endswith(MASKS):
        return False
    value = value.float()  # as weights are; and float8 has no isfinite
    if not bool(torch.isfinite(value).all()):
        return True
    return name.endswith('running_var') and bool((value < 0).any())


def unusable(name: Any, value: Tensor) -> str:
    """Why a tensor cannot be a weight; empty if it can."""
    if not isinstance(name, str):
        return f'a name in it is no text: {name!r}'
    if value.layout is not torch.strided:
        return f'{name} is sparse ({value.layout})'
    if value.is_quantized:
        return f'{name} is quantised ({value.dtype})'
    if value.is_complex():
        return f'{name} is complex ({value.dtype})'
    if not value.is_floating_point() and name.endswith(LEARNT):
        return f'{name} has whole numbers ({value.dtype}), and weights have fractions'
    if value.is_meta:
        return f'{name} has a shape and no numbers (a meta tensor)'
    return ''
