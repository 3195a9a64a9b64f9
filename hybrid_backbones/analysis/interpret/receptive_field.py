"""How much each pixel matters to the middle of a level: the effective receptive field.

Luo et al. 2016, Understanding the Effective Receptive Field in Deep Convolutional Neural Networks
(https://arxiv.org/abs/1701.04128).
"""

from typing import Callable, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ...errors import ConfigError

THRESHOLDS = (0.2, 0.5, 0.99)  # shares of the contribution, as papers on large kernels report

Network = Callable[[Tensor], Sequence[Tensor]]


def receptive_field(
    network: Network,
    size: Tuple[int, int] = (224, 224),
    level: int = -1,
    samples: int = 8,
    images: Optional[Tensor] = None,
    seed: int = 0,
) -> Tensor:
    """Mean absolute gradient of a level's middle position with respect to the pixels.

    The position's channels are added up with random signs, drawn anew for each sample: a plain sum
    is constant behind a LayerNorm, and its gradient zero.

    Args:
        network: Images ``(1, C, H, W)`` to a sequence of levels; a backbone in eval mode, say.
        size: Height and width in pixels; not used if there are ``images``.
        level: Index into what the network returns.
        samples: How many gradients are averaged.
        images: ``(n, C, H, W)``, normalised, used in turn; None: normal random numbers, another
            image for each sample.
        seed: Of the random numbers.

    Returns:
        ``(H, W)``, summed over the colours, mean over the samples. Its unit is that of the level
        over that of the image; only ratios within it mean something.

    Raises:
        ConfigError: There are no samples.
    """
    if samples < 1:
        raise ConfigError(f'`samples` must be at least 1, got {samples}')
    random = torch.Generator().manual_seed(seed)
    total = torch.zeros(())
    for i in range(samples):
        if images is None:
            image = torch.randn(1, getattr(network, 'in_channels', 3), *size, generator=random)
        else:
            image = images[i % len(images)][None].clone()
        image.requires_grad_(True)
        with torch.enable_grad():
            output = network(image)[level]
        middle = output[0, :, output.shape[2] // 2, output.shape[3] // 2]
        signs = torch.randint(0, 2, middle.shape, generator=random).to(middle.dtype) * 2 - 1
        (gradient,) = torch.autograd.grad((signs * middle).sum(), image)
        total = total + gradient[0].abs().sum(0)
    return total / samples


def middle_of(position: int, stride: int, length: int) -> int:
    """The pixel in the middle of what a position of a level stands for."""
    return min(position * stride + stride // 2, length - 1)


def area_shares(
    field: Tensor, stride: int, thresholds: Sequence[float] = THRESHOLDS
) -> Dict[float, float]:
    """How large a square must be to hold a share of the contribution, as a share of the image.

    The square grows around the level's middle position and is cut at the image's edges, as in Ding
    et al. 2022 (https://arxiv.org/abs/2203.06717).

    Args:
        field: ``(H, W)`` from :func:`receptive_field`.
        stride: Of the level, in pixels.
        thresholds: Shares of the contribution, between 0 and 1.

    Returns:
        For each threshold the area of the smallest such square, over the image's.
    """
    height, width = field.shape
    field = field.double()
    y = middle_of(-(-height // stride) // 2, stride, height)
    x = middle_of(-(-width // stride) // 2, stride, width)
    rows = (torch.arange(height) - y).abs()[:, None]
    cols = (torch.arange(width) - x).abs()[None]
    rings = torch.maximum(rows, cols).flatten()
    held = torch.zeros(int(rings.max()) + 1, dtype=field.dtype)
    held = held.index_add(0, rings, field.flatten()).cumsum(0)
    pixels = rings.bincount().cumsum(0)
    shares = {}
    for threshold in thresholds:
        ring = int((held < threshold * held[-1] * (1 - 1e-12)).sum())
        shares[threshold] = pixels[ring].item() / field.numel()
    return shares
