"""Which of the new backbone's levels takes the place of which of the old backbone's."""

from dataclasses import dataclass
from typing import List, Optional, Sequence

from ..backbones.levels import Level
from ..errors import ConfigError

STRIDES = (4, 8, 16, 32)  # of a built-in backbone's levels 0 to 3


@dataclass(frozen=True)
class LevelMatch:
    """The decision.

    Args:
        new: A level of the new backbone, 0 to 3, for each of the old backbone's outputs.
        note: What a reader should know about it; None where strides stay as they are.
    """

    new: List[int]
    note: Optional[str] = None


def choose_levels(old: Sequence[Level], by_depth: bool) -> LevelMatch:
    """The new backbone's level for each of the old levels.

    Where the old strides are all different and all in ``STRIDES``, the level of the same stride.
    Where the old backbone is dilated, so that its last levels have one stride, or a plain
    transformer, whose levels all have one, the level of the same depth: the new last one for the
    old last one, whatever the stride, because it is the depth that a head was put there for.

    Args:
        old: The old levels in their order.
        by_depth: Whether the heads can do with other strides than they had; segmentation heads
            can, their result is resized to the image.

    Raises:
        ConfigError: The old levels are no pyramid of the kind.
    """
    strides = [level.stride for level in old]
    channels = [level.channels for level in old]
    rising = all(a < b for a, b in zip(strides, strides[1:]))
    if rising and set(strides) <= set(STRIDES):
        return LevelMatch([STRIDES.index(stride) for stride in strides])
    pyramid = len(old) <= len(STRIDES) and strides == sorted(strides) and strides[-1] >= 8
    dilated = not rising and channels == sorted(channels) and channels[0] < channels[-1]
    plain = len(old) > 1 and len({*strides}) == len({*channels}) == 1
    if pyramid and (dilated or rising or plain) and by_depth:
        new = list(range(len(STRIDES) - len(old), len(STRIDES)))
        now = shown([STRIDES[i] for i in new])
        return LevelMatch(new, f'strides {shown(strides)} became {now}: levels of the same depth')
    raise ConfigError(
        f'the backbone gives strides {shown(strides)} (channels {shown(channels)}); built-in '
        f'backbones give {shown(STRIDES)}: choose out_indices, and in_channels and strides of what '
        'follows, by hand'
    )


def shown(numbers: Sequence[float]) -> str:
    """Numbers in a row, whole ones without a point."""
    return ', '.join(f'{number:g}' for number in numbers)
