"""Modulated deformable convolution (Zhu et al., 2019), as mmcv calls it."""

from types import ModuleType

from torch import Tensor

from . import deform_columns
from .common import full_precision, operator
from .deform_columns import Conv, Grads


@operator
def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
    engine: ModuleType = deform_columns,
) -> None:
    """Fill ``output``; shapes as in :func:`.deform_columns.forward`, ``bias`` is ``(C_out,)``.
    ``ones`` and ``columns`` are work space of the compiled operator."""
    conv = Conv(
        (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group
    )
    engine.forward(input, offset, mask, weight, output, conv)
    if with_bias:
        output += bias[:, None, None]


@operator
def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
    engine: ModuleType = deform_columns,
) -> None:
    """Add to the five gradients."""
    conv = Conv(
        (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group
    )
    grads = Grads(grad_input, grad_offset, grad_mask, grad_weight)
    engine.backward(input, offset, mask, weight, grad_output, grads, conv)
    if with_bias:
        grad_bias += full_precision(grad_output).sum((0, 2, 3)).to(grad_bias)
