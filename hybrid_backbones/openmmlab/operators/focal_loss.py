"""Focal loss (Lin et al., 2017, equation 5) of sigmoids and of softmaxes, and its gradients."""

from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .common import full_precision, operator


@operator
def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``output``, ``(N, C)``, with the loss of each class.

    Args:
        input: ``(N, C)`` logits.
        target: ``(N,)`` classes; one that is not of the ``C`` is background.
        weight: ``(C,)`` factors of the rows of a class, or empty.
        gamma: How much less what is right already counts.
        alpha: Weight of the right class; the others have ``1 - alpha``.
    """
    x, is_class, factor = _prepare(input, target, weight)
    p = x.sigmoid()
    # log(sigmoid) does not vanish where the sigmoid rounds to 0 or 1
    right = -alpha * (1 - p).pow(gamma) * F.logsigmoid(x)
    wrong = -(1 - alpha) * p.pow(gamma) * F.logsigmoid(-x)
    output.copy_(torch.where(is_class, right, wrong) * factor)


@operator
def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``grad_input``, ``(N, C)``; the rest as in the forward pass."""
    x, is_class, factor = _prepare(input, target, weight)
    p = x.sigmoid()
    q = 1 - p
    right = -alpha * q.pow(gamma) * (q - gamma * p * F.logsigmoid(x))
    wrong = (1 - alpha) * p.pow(gamma) * (p - gamma * q * F.logsigmoid(-x))
    grad_input.copy_(torch.where(is_class, right, wrong) * factor)


def _prepare(input: Tensor, target: Tensor, weight: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Logits, whether an entry is of the right class, and factors ``(N, 1)``."""
    classes = input.shape[1]
    is_class = target[:, None] == torch.arange(classes, device=target.device)
    return full_precision(input), is_class, _factor(weight, target, input)[:, None]


def _factor(weight: Tensor, target: Tensor, like: Tensor) -> Tensor:
    """``(N,)`` factors; background, which has no weight, counts once."""
    factor = full_precision(like.new_ones(len(target)))
    if not weight.numel():
        return factor
    known = (target >= 0) & (target < len(weight))
    return torch.where(known, full_precision(weight)[target.clamp(0, len(weight) - 1)], factor)


@operator
def softmax_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``output``, ``(N,)``.

    Args:
        input: ``(N, C)`` probabilities.
        target: ``(N,)`` classes; below 0 is ignored.
        weight: ``(C,)`` factors of classes, or empty.
    """
    p = _probability(input, target)
    loss = -alpha * (1 - p).pow(gamma) * _log(p)
    output.copy_(loss * _factor(weight, target, input) * (target >= 0))


@operator
def softmax_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Fill ``grad_input``, ``(N, C)``, the gradient of logits; ``buff`` is ``(N,)`` to work in."""
    p = _probability(input, target)
    slope = alpha * (gamma * (1 - p).pow(gamma - 1) * p * _log(p) - (1 - p).pow(gamma))
    slope = slope * _factor(weight, target, input) * (target >= 0)
    buff.copy_(slope)
    classes = torch.arange(input.shape[1], device=target.device)
    is_class = full_precision(input.new_tensor(1.0)) * (target[:, None] == classes)
    grad_input.copy_(slope[:, None] * (is_class - full_precision(input)))


def _probability(input: Tensor, target: Tensor) -> Tensor:
    """That of the right class, ``(N,)``."""
    return full_precision(input).gather(1, target.clamp(min=0)[:, None])[:, 0]


def _log(p: Tensor) -> Tensor:
    return p.clamp(min=torch.finfo(torch.float32).tiny).log()
