"""Which of the new backbone's levels takes the place of which old one."""

import pytest

from hybrid_backbones.backbones.levels import Level
from hybrid_backbones.dropin.levels import choose_levels
from hybrid_backbones.errors import ConfigError


def levels(strides, channels):
    return [Level(channel, stride) for channel, stride in zip(channels, strides)]


@pytest.mark.parametrize(
    'strides, channels, new',
    [
        ([4, 8, 16, 32], [256, 512, 1024, 2048], [0, 1, 2, 3]),
        ([8, 16, 32], [256, 512, 1024], [1, 2, 3]),
        ([16], [768], [2]),
        ([4, 32], [64, 512], [0, 3]),
    ],
)
@pytest.mark.parametrize('by_depth', [False, True])
def test_of_the_same_stride(strides, channels, new, by_depth):
    match = choose_levels(levels(strides, channels), by_depth)
    assert match.new == new and match.note is None


@pytest.mark.parametrize(
    'strides, channels, new, note',
    [
        ([4, 8, 8, 8], [256, 512, 1024, 2048], [0, 1, 2, 3], '4, 8, 8, 8 became 4, 8, 16, 32'),
        ([2, 4, 8], [16, 24, 96], [1, 2, 3], '2, 4, 8 became 8, 16, 32'),
        ([16] * 4, [768] * 4, [0, 1, 2, 3], '16, 16, 16, 16 became 4, 8, 16, 32'),
    ],
)
def test_of_the_same_depth(strides, channels, new, note):
    match = choose_levels(levels(strides, channels), by_depth=True)
    assert match.new == new and note in match.note
    with pytest.raises(ConfigError, match='by hand'):
        choose_levels(levels(strides, channels), by_depth=False)


@pytest.mark.parametrize(
    'strides, channels',
    [
        ([16, 8, 4, 2, 1], [1024, 512, 256, 128, 64]),  # a U-Net
        ([8, 8, 16], [1024, 512, 512]),  # two branches
        ([2], [16]),
        ([8, 16, 32, 64, 128], [1, 2, 3, 4, 5]),
    ],
)
def test_others_are_refused(strides, channels):
    with pytest.raises(ConfigError, match='by hand'):
        choose_levels(levels(strides, channels), by_depth=True)
