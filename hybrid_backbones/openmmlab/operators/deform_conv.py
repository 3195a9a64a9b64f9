"""Deformable convolution (Dai et al., 2017), as mmcv calls it."""

from types import ModuleType

from torch import Tensor

from . import deform_columns
from .common import operator
from .deform_columns import Conv, Grads


@operator
def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
    engine: ModuleType = deform_columns,
) -> None:
    """Fill ``output``; shapes as in :func:`.deform_columns.forward`. ``columns`` and ``ones`` are
    work space of the compiled operator, and ``im2col_step`` its number of images at a time."""
    conv = Conv((dH, dW), (padH, padW), (dilationH, dilationW), group, deformable_group)
    engine.forward(input, offset, None, weight, output, conv)


@operator
def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradInput: Tensor,
    gradOffset: Tensor,
    weight: Tensor,
    columns: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
    engine: ModuleType = deform_columns,
) -> None:
    """Add to ``gradInput`` and ``gradOffset``."""
    conv = Conv((dH, dW), (padH, padW), (dilationH, dilationW), group, deformable_group)
    engine.backward(input, offset, None, weight, gradOutput, Grads(gradInput, gradOffset), conv)


@operator
def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradWeight: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
    engine: ModuleType = deform_columns,
) -> None:
    """Add ``scale`` times the gradient to ``gradWeight``."""
    conv = Conv((dH, dW), (padH, padW), (dilationH, dilationW), group, deformable_group)
    grads = Grads(weight=gradWeight)
    engine.backward(input, offset, None, gradWeight, gradOutput * scale, grads, conv)
