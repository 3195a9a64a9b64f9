"""Weights for colour images, adapted to images of other channels."""

import torch
from torch import Tensor

COLOURS = 3  # channels of the images that all published weights were trained with


def adapt_channels(weight: Tensor, in_channels: int) -> Tensor:
    """The weight of a convolution of colour images, for images of ``in_channels``.

    For one channel it is the sum over the colours: a grey image gives what it gave as a colour
    image with three equal channels. For others the colours repeat in turn, times ``3 /
    in_channels``: with 3, 6, 9, ... channels, images of equal channels give what they gave; with
    others nearly that, as one colour or two count once more than the rest.

    Args:
        weight: ``(C, 3, k, k)``.
        in_channels: Of the images.

    Returns:
        ``(C, in_channels, k, k)``, rounded once.
    """
    exact = weight.double()
    if in_channels == 1:
        return exact.sum(1, keepdim=True).to(weight.dtype)
    colours = torch.arange(in_channels, device=weight.device) % COLOURS
    return (exact[:, colours] * (COLOURS / in_channels)).to(weight.dtype)


def describe_adaptation(name: str, in_channels: int) -> str:
    """What :func:`adapt_channels` did, in a line."""
    if in_channels == 1:
        return f'{name}: summed over the {COLOURS} colours, for images of 1 channel'
    return (
        f'{name}: the {COLOURS} colours in turn, times {COLOURS}/{in_channels}, for images of '
        f'{in_channels} channels'
    )
