"""CARAFE (Wang et al., 2019, equation 2): upsampling with a kernel for each position."""

from typing import Iterator, Sequence, Tuple

import torch.nn.functional as F
from torch import Tensor

from .common import full_precision, operator


@operator
def carafe_naive_forward(
    features: Tensor,
    masks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``output``, ``(N, C, H * scale_factor, W * scale_factor)``.

    Args:
        features: ``(N, C, H, W)``.
        masks: ``(N, group_size * kernel_size ** 2, H * scale_factor, W * scale_factor)``, the
            kernels, of which each serves ``C / group_size`` channels.
    """
    for n in range(len(features)):
        kernels = _kernels(masks[n], group_size)
        upsampled = _upsample(features[n], group_size, kernel_size, scale_factor)
        total = full_precision(output[n]).new_zeros(output[n].shape)
        grouped = total.unflatten(0, (group_size, -1))
        for k, window in _taps(upsampled, output.shape[-2:], kernel_size, scale_factor):
            grouped.addcmul_(window, kernels[:, k, None])
        output[n] = total


@operator
def carafe_naive_backward(
    top_grad: Tensor,
    features: Tensor,
    masks: Tensor,
    bottom_grad: Tensor,
    mask_grad: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``bottom_grad`` and ``mask_grad``, shaped like ``features`` and ``masks``."""
    edge = kernel_size // 2 * scale_factor
    for n in range(len(features)):
        kernels = _kernels(masks[n], group_size)
        upsampled = _upsample(features[n], group_size, kernel_size, scale_factor)
        grad = full_precision(top_grad[n]).unflatten(0, (group_size, -1))
        total = upsampled.new_zeros(upsampled.shape)
        of_kernels = kernels.new_zeros(kernels.shape)
        size = grad.shape[-2:]
        windows = _taps(upsampled, size, kernel_size, scale_factor)
        for (k, window), (_, grads) in zip(windows, _taps(total, size, kernel_size, scale_factor)):
            of_kernels[:, k] = (window * grad).sum(1)
            grads.addcmul_(grad, kernels[:, k, None])
        mask_grad[n] = of_kernels.flatten(0, 1)
        total = total[..., edge : edge + size[0], edge : edge + size[1]].flatten(0, 1)
        total = total.unflatten(2, (-1, scale_factor)).unflatten(1, (-1, scale_factor))
        bottom_grad[n] = total.sum((2, 4))


@operator
def carafe_forward(
    features: Tensor,
    masks: Tensor,
    rfeatures: Tensor,
    routput: Tensor,
    rmasks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """As :func:`carafe_naive_forward`; ``rfeatures`` keeps the features for the gradient."""
    rfeatures.copy_(features)
    carafe_naive_forward(features, masks, output, kernel_size, group_size, scale_factor)


@operator
def carafe_backward(
    top_grad: Tensor,
    rfeatures: Tensor,
    masks: Tensor,
    rtop_grad: Tensor,
    rbottom_grad_hs: Tensor,
    rbottom_grad: Tensor,
    rmask_grad: Tensor,
    bottom_grad: Tensor,
    mask_grad: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """As :func:`carafe_naive_backward`, with the features that the forward pass kept."""
    carafe_naive_backward(
        top_grad,
        rfeatures,
        masks,
        bottom_grad,
        mask_grad,
        kernel_size,
        group_size,
        scale_factor,
    )


def _kernels(masks: Tensor, groups: int) -> Tensor:
    """``(groups, kernel_size ** 2, sH, sW)``."""
    return full_precision(masks).unflatten(0, (groups, -1))


def _upsample(features: Tensor, groups: int, kernel: int, scale: int) -> Tensor:
    """Each cell ``scale`` times along both axes, and zeros around: ``(groups, C, ., .)``."""
    features = full_precision(features)
    features = features.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    return F.pad(features, [kernel // 2 * scale] * 4).unflatten(0, (groups, -1))


def _taps(
    padded: Tensor, size: Sequence[int], kernel: int, scale: int
) -> Iterator[Tuple[int, Tensor]]:
    """What each tap of the kernels sees, as a view ``(groups, C, *size)``."""
    for k in range(kernel * kernel):
        y, x = k // kernel * scale, k % kernel * scale
        yield k, padded[..., y : y + size[0], x : x + size[1]]
