"""The figure of ``attention_map``: the picture, the heads' mean, and each head."""

from typing import Any

from ..attention_maps import AttentionMap
from ..pictures import Picture
from .canvas import sheet, show, show_heat

COLUMNS = 5
MARK = '#00e5ff'


def draw_attention(picture: Picture, attention: AttentionMap, heading: str) -> Any:
    """Each panel in grades of its own largest weight, with the query and its window marked.

    Returns:
        A matplotlib figure.
    """
    heads = len(attention.weights)
    panels = 2 + heads if heads > 1 else 2
    columns = min(COLUMNS, panels)
    height, width = picture.size
    size = (2.6, 2.6 * height / width + 0.45)
    figure, axes = sheet(-(-panels // columns), columns, size, heading)
    axes = axes.flat
    show(axes[0], picture.pixels, where(attention))
    _mark(axes[0], attention)
    maps = [('mean of the heads' if heads > 1 else 'its only head', slice(None))]
    if heads > 1:
        maps += [(f'head {i}', slice(i, i + 1)) for i in range(heads)]
    for axis, (name, part) in zip(axes[1:], maps):
        weights = attention.weights[part].mean(0)
        title = f'{name}: up to {weights.max():.2g}{_elsewhere(attention, part)}'
        show_heat(axis, picture.pixels, weights, attention.key_stride, title)
        _mark(axis, attention)
    return figure


def where(attention: AttentionMap) -> str:
    """Which query it is."""
    if attention.query is None:
        return 'query: the class token'
    extra = ', merged token' if attention.stands_in else ''
    y, x = attention.query
    return f'query: {y},{x} at stride {attention.stride}{extra}'


def _elsewhere(attention: AttentionMap, part: slice) -> str:
    """What does not fall on the picture."""
    shares = [
        (name, float(values[part].mean()))
        for name, values in (
            ('class token', attention.to_class),
            ('padding', attention.to_padding),
            ('merged', attention.to_merged),
        )
    ]
    return ''.join(f'\n{name} {share:.1%}' for name, share in shares if share > 0)


def _mark(axis: Any, attention: AttentionMap) -> None:
    from matplotlib.patches import Rectangle

    options = dict(fill=False, edgecolor=MARK)
    if attention.window:
        top, left, bottom, right = attention.window
        box = Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **options)
        axis.add_patch(box).set(linestyle='--', linewidth=1)
    if attention.query:
        y, x = (side * attention.stride - 0.5 for side in attention.query)
        axis.add_patch(Rectangle((x, y), attention.stride, attention.stride, **options))
        middle = attention.stride / 2
        axis.plot(x + middle, y + middle, '+', color=MARK, markersize=7)
