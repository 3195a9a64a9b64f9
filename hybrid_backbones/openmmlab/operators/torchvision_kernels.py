"""torchvision's kernels under mmcv's names; what they do not serve goes to plain torch.

Only kernels that compute what mmcv's compute are here: ``torchvision.ops.roi_pool`` rounds the box
where mmcv rounds the bins, so that plain torch has to serve RoIPool.
"""

import functools
from typing import Any, Callable, Dict, Optional

import torch
from torch import Tensor

from . import deform_conv, deform_torchvision, modulated_deform_conv, nms, roi_align
from .common import full_precision, operator

_NEEDED = (
    'nms',
    'roi_align',
    '_roi_align_backward',
    'deform_conv2d',
    '_deform_conv2d_backward',
)


def load() -> Optional[str]:
    """torchvision's version, or None where it is missing, or its kernels do not fit this torch."""
    try:
        import torchvision

        boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2]])
        torch.ops.torchvision.nms(boxes, boxes[:, 2], 0.5)  # declared is not yet loaded
        for name in _NEEDED:
            getattr(torch.ops.torchvision, name)
    except (ImportError, OSError, RuntimeError, AttributeError, NotImplementedError):
        return None
    return torchvision.__version__


@operator
def nms_by_torchvision(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """See :func:`.nms.nms`."""
    if offset:
        return nms.nms(boxes, scores, iou_threshold, offset)
    boxes = full_precision(boxes)
    if boxes.dtype == torch.float32:  # mmcv compares with a float, torchvision with a double
        iou_threshold = torch.tensor(iou_threshold, dtype=torch.float32).item()
    order = nms.by_score(scores)  # torchvision's own order of equal scores is another
    rank = torch.arange(len(order), 0, -1).to(boxes)
    return order[torch.ops.torchvision.nms(boxes[order], rank, iou_threshold)]


@operator
def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """See :func:`.roi_align.roi_align_forward`."""
    size = aligned_height, aligned_width
    if pool_mode == roi_align.MAX:
        maxima = (argmax_y, argmax_x, *size, spatial_scale, sampling_ratio, pool_mode, aligned)
        roi_align.roi_align_forward(input, rois, output, *maxima)
        return
    input = full_precision(input)
    found = torch.ops.torchvision.roi_align(
        input, rois.to(input), spatial_scale, *size, sampling_ratio, aligned
    )
    output.copy_(found)


@operator
def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """See :func:`.roi_align.roi_align_backward`."""
    size = aligned_height, aligned_width
    if pool_mode == roi_align.MAX:
        maxima = (argmax_y, argmax_x, grad_input, *size, spatial_scale, sampling_ratio)
        roi_align.roi_align_backward(grad_output, rois, *maxima, pool_mode, aligned)
        return
    grad = full_precision(grad_output)
    found = torch.ops.torchvision._roi_align_backward(
        grad, rois.to(grad), spatial_scale, *size, *grad_input.shape, sampling_ratio, aligned
    )
    grad_input.copy_(found)


FUNCTIONS: Dict[str, Callable[..., Any]] = {
    'nms': nms_by_torchvision,
    'roi_align_forward': roi_align_forward,
    'roi_align_backward': roi_align_backward,
    **{
        function.__name__: functools.partial(function, engine=deform_torchvision)
        for function in (
            deform_conv.deform_conv_forward,
            deform_conv.deform_conv_backward_input,
            deform_conv.deform_conv_backward_parameters,
            modulated_deform_conv.modulated_deform_conv_forward,
            modulated_deform_conv.modulated_deform_conv_backward,
        )
    },
}
