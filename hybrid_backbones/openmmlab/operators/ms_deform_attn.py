"""Multi-scale deformable attention (Zhu et al., Deformable DETR, 2021, equation 3).

mmcv's module calls these for maps on a GPU; on a CPU it has its own plain torch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .common import full_precision, operator


def _attend(
    value: Tensor, shapes: Tensor, starts: Tensor, locations: Tensor, weights: Tensor
) -> Tensor:
    """``(N, Q, heads * C)``; see :func:`ms_deform_attn_forward`."""
    images, _, heads, channels = value.shape
    queries, points = locations.shape[1], locations.shape[4]
    output = value.new_zeros(images * heads, channels, queries)
    for level, ((height, width), start) in enumerate(zip(shapes.tolist(), starts.tolist())):
        cells = value[:, start : start + height * width].permute(0, 2, 3, 1)
        cells = cells.reshape(images * heads, channels, height, width)
        grid = (2 * locations[:, :, :, level] - 1).transpose(1, 2).flatten(0, 1)
        sampled = F.grid_sample(cells, grid, align_corners=False)
        share = weights[:, :, :, level].transpose(1, 2).reshape(-1, 1, queries, points)
        output = output + (sampled * share).sum(3)
    return output.view(images, heads * channels, queries).transpose(1, 2).contiguous()


@operator
def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """Sample the maps of all levels at points of each query and sum them by their weights.

    Args:
        value: ``(N, cells, heads, C)``, the levels one after the other.
        value_spatial_shapes: ``(levels, 2)`` heights and widths.
        value_level_start_index: ``(levels,)``, where each begins.
        sampling_locations: ``(N, Q, heads, levels, points, 2)``, x and y as shares of the map.
        attention_weights: ``(N, Q, heads, levels, points)``.

    Returns:
        ``(N, Q, heads * C)``.
    """
    tensors = [full_precision(each) for each in (value, sampling_locations, attention_weights)]
    output = _attend(tensors[0], value_spatial_shapes, value_level_start_index, *tensors[1:])
    return output.to(value.dtype)


@operator
def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Fill the three gradients; the rest as in the forward pass."""
    tensors = [
        full_precision(each).detach().requires_grad_()
        for each in (value, sampling_locations, attention_weights)
    ]
    with torch.enable_grad():
        output = _attend(tensors[0], value_spatial_shapes, value_level_start_index, *tensors[1:])
    grads = torch.autograd.grad(output, tensors, full_precision(grad_output).view_as(output))
    for filled, grad in zip((grad_value, grad_sampling_loc, grad_attn_weight), grads):
        filled.copy_(grad)
