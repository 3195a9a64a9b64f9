"""Deformable convolution by torchvision's kernels, in the place of :mod:`.deform_columns`."""

from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor

from .common import full_precision
from .deform_columns import Conv, Grads, outside


def forward(
    input: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    weight: Tensor,
    output: Tensor,
    conv: Conv,
) -> None:
    """See :func:`.deform_columns.forward`."""
    tensors = _tensors(input, weight, offset, mask)
    output.copy_(torch.ops.torchvision.deform_conv2d(*tensors, *_numbers(conv, mask)))


def backward(
    input: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    weight: Tensor,
    grad_output: Tensor,
    grads: Grads,
    conv: Conv,
) -> None:
    """See :func:`.deform_columns.backward`."""
    grad = full_precision(grad_output).contiguous()
    tensors = _tensors(input, weight, offset, mask)
    found = torch.ops.torchvision._deform_conv2d_backward(grad, *tensors, *_numbers(conv, mask))
    found = dict(zip(('input', 'weight', 'offset', 'mask'), found))
    # exactly one cell outside, torchvision has the gradient of inside; offsets start like that
    beyond = outside(tensors[2], input.shape[2:], weight.shape, conv)
    found['offset'] = found['offset'].masked_fill(beyond, 0)
    for name, total in grads._asdict().items():
        if total is not None:
            total += found[name].to(total)


def _tensors(input: Tensor, weight: Tensor, offset: Tensor, mask: Optional[Tensor]) -> List[Tensor]:
    """In torchvision's order, with a bias of zeros."""
    masks = offset.new_zeros(len(offset), 1) if mask is None else mask
    bias = weight.new_zeros(len(weight))
    return [full_precision(each).contiguous() for each in (input, weight, offset, masks, bias)]


def _numbers(conv: Conv, mask: Optional[Tensor]) -> Tuple[Any, ...]:
    pairs = (*conv.stride, *conv.padding, *conv.dilation)
    return (*pairs, conv.groups, conv.deform_groups, mask is not None)
