"""What each level of a backbone holds, reduced to a few maps that can be looked at."""

from typing import List, NamedTuple, Tuple

import torch
from torch import Tensor

from ...backbones.base import HybridBackbone


class LevelMaps(NamedTuple):
    """One level of one image.

    Args:
        level: Its index, 0 to 3.
        stride: In pixels.
        channels: How many it has.
        strength: ``(h, w)``, mean over the channels of the absolute value.
        components: ``(k, h, w)``, the first principal components of its positions, each of
            standard deviation 1; fewer than asked for if there are fewer.
        explained: ``(k,)``, the share of the variance along each.
        strongest: Indices of the channels of the largest mean absolute value, falling.
        channel_maps: ``(len(strongest), h, w)``, those channels.
    """

    level: int
    stride: int
    channels: int
    strength: Tensor
    components: Tensor
    explained: Tensor
    strongest: Tuple[int, ...]
    channel_maps: Tensor


def feature_maps(
    backbone: HybridBackbone, image: Tensor, num_components: int = 3, num_channels: int = 4
) -> List[LevelMaps]:
    """Describe all levels that a backbone returns.

    Args:
        backbone: In eval mode.
        image: ``(1, 3, H, W)``, normalised.
        num_components: Principal components to compute.
        num_channels: Channels to pick.
    """
    with torch.no_grad():
        levels = backbone(image)
    return [
        _describe(level[0].float(), index, stride, num_components, num_channels)
        for level, index, stride in zip(levels, backbone.out_indices, backbone.out_strides)
    ]


def _describe(
    x: Tensor, level: int, stride: int, num_components: int, num_channels: int
) -> LevelMaps:
    per_channel = x.abs().mean((1, 2))
    strongest = per_channel.argsort(descending=True)[:num_channels]
    components, explained = principal_components(x, num_components)
    return LevelMaps(
        level=level,
        stride=stride,
        channels=len(x),
        strength=x.abs().mean(0),
        components=components,
        explained=explained,
        strongest=tuple(strongest.tolist()),
        channel_maps=x[strongest],
    )


def principal_components(x: Tensor, count: int) -> Tuple[Tensor, Tensor]:
    """Principal component analysis of a map's positions.

    Args:
        x: ``(C, h, w)``.
        count: Components wanted.

    Returns:
        ``(k, h, w)`` of mean 0 and standard deviation 1, k being ``count`` or what there is, with
        the sign in which the larger values are positive; and their shares of the variance.
    """
    values = x.flatten(1).t()
    values = values - values.mean(0)
    left, singular, _ = torch.linalg.svd(values, full_matrices=False)
    count = min(count, len(singular))
    shares = singular.square() / singular.square().sum().clamp(min=1e-20)
    left = left[:, :count].t()
    signs = torch.where(left.pow(3).sum(1, keepdim=True) < 0, -1.0, 1.0)
    left = left * signs * len(values) ** 0.5
    return left.unflatten(1, x.shape[1:]), shares[:count]
