"""The figure of ``feature_maps``: a row for each level."""

from typing import Any, Dict, Sequence

from torch import Tensor

from ..feature_maps import LevelMaps
from ..images import Image
from .canvas import HEAT, sheet, show

SPREAD = 2.0  # standard deviations of a component from black to white, to either side


def draw_feature_maps(image: Image, levels: Sequence[LevelMaps], heading: str) -> Any:
    """The image; then for each level its strength, three components as colours, and channels.

    Returns:
        A matplotlib figure.
    """
    channels = max(len(level.strongest) for level in levels)
    height, width = image.size
    size = (2.0, 2.0 * height / width + 0.45)
    figure, axes = sheet(len(levels), 3 + channels, size, heading)
    for row, level in zip(axes, levels):
        what = f'level {level.level}\nstride {level.stride}, {level.channels} channels'
        rows, cols = (side * level.stride for side in level.strength.shape)
        extent = (0, cols, rows, 0)  # it may reach beyond the image
        show(row[0], image.pixels, what)
        show(row[1], level.strength, 'mean |x|', cmap=HEAT, extent=extent)
        shares = ' + '.join(f'{share:.0%}' for share in level.explained.tolist())
        show(row[2], as_colours(level.components), f'components\n{shares}', extent=extent)
        for axis, index, values in zip(row[3:], level.strongest, level.channel_maps):
            reach = float(values.abs().max()) or 1.0
            options: Dict[str, Any] = dict(cmap='RdBu_r', vmin=-reach, vmax=reach, extent=extent)
            show(axis, values, f'channel {index}', **options)
        for axis in row[1:]:
            axis.set_xlim(0, width)
            axis.set_ylim(height, 0)
    return figure


def as_colours(components: Tensor) -> Tensor:
    """``(k, h, w)`` of standard deviation 1, k up to 3, to ``(h, w, 3)`` from 0 to 1."""
    colours = components.new_full((3, *components.shape[1:]), 0.5)
    colours[: len(components)] = (components / (2 * SPREAD) + 0.5).clamp(0, 1)
    return colours.permute(1, 2, 0)
