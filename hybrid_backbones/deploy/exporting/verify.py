"""How far an exported backbone is from the one that it was made from."""

import math
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

import torch
from torch import Tensor, nn

from .formats import Run
from .trace import EXAMPLE, Size

Module = TypeVar('Module', bound=nn.Module)

# batch, height and width: a multiple of 32, then odd ones and a batch
SIZES = ((1, 256, 320), (2, 97, 130), (1, 161, 75))
BATCHES = (1, 2, 3)  # where the size is fixed
# of a level's standard deviation; the rounding of float32 is some 1e-5 of it
TOLERANCE = 1e-3


class Difference(NamedTuple):
    """The worst of all levels and positions.

    Args:
        shape: Of the images, ``(N, in_channels, H, W)``.
        absolute: Largest difference.
        relative: Largest difference in standard deviations of the level.
    """

    shape: Tuple[int, ...]
    absolute: float
    relative: float

    @property
    def fine(self) -> bool:
        """Whether it is within ``TOLERANCE``; NaN is not."""
        return self.relative <= TOLERANCE


def sizes_to_check(size: Optional[Size]) -> List[Tuple[int, int, int]]:
    """Batch, height and width: three that differ from what was recorded, as far as they may."""
    if size is None:
        assert EXAMPLE not in [(height, width) for _, height, width in SIZES]
        return list(SIZES)
    return [(batch, *size) for batch in BATCHES]


@torch.no_grad()
def compare(
    run: Run,
    backbone: Run,
    sizes: Iterable[Tuple[int, int, int]],
    in_channels: int = 3,
) -> List[Difference]:
    """Let both look at the same images, drawn from a normal distribution."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for batch, height, width in sizes:
        images = torch.randn(batch, in_channels, height, width, generator=generator)
        found.append(_difference(images, run(images), backbone(images)))
    return found


def _difference(images: Tensor, levels: Sequence[Tensor], expected: Sequence[Tensor]) -> Difference:
    shape = tuple(images.shape)
    if [level.shape for level in levels] != [level.shape for level in expected]:
        return Difference(shape, math.inf, math.inf)
    gaps = [(a - b).abs().max() for a, b in zip(levels, expected)]
    relative = [gap / b.std() for gap, b in zip(gaps, expected)]
    return Difference(shape, _worst(gaps), _worst(relative))


def _worst(values: Sequence[Tensor]) -> float:
    return torch.stack(list(values)).max().item()  # NaN wins


@torch.no_grad()
def draw_constants(backbone: Module) -> Module:
    """Give random values to what is born constant, **in place**: a mistake in it would not show.

    Those are the scales, shifts and statistics of norms, layer scales, and tables of positions.
    """
    values: Dict[str, Tensor] = dict(backbone.named_parameters())
    values.update((name, b) for name, b in backbone.named_buffers() if b.is_floating_point())
    generator = torch.Generator().manual_seed(0)
    for value in values.values():
        if value.numel() and value.min() == value.max():
            value += torch.rand(value.shape, generator=generator) - 0.5
    return backbone
