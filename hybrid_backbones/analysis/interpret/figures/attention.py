"""The figure of ``attention_map``: the image, the heads' mean, and each head."""

from typing import Any, Dict

from ..attention_maps import AttentionMap
from ..images import Image
from .canvas import sheet, show, show_heat

COLUMNS = 5
MARK = '#00e5ff'


def draw_attention(image: Image, attention: AttentionMap, heading: str) -> Any:
    """Each panel in grades from its smallest to its largest weight; query and window are marked.

    Returns:
        A matplotlib figure.
    """
    heads = len(attention.weights)
    panels = [('mean of the heads' if heads > 1 else 'its only head', slice(None))]
    if heads > 1:
        panels += [(f'head {i}', slice(i, i + 1)) for i in range(heads)]
    rows = -(-(1 + len(panels)) // COLUMNS)
    columns = -(-(1 + len(panels)) // rows)
    titles = [_title(attention, name, part) for name, part in panels]
    height, width = image.size
    lines = max(title.count('\n') for title in titles) + 1
    size = (2.6, 2.6 * height / width + 0.2 * lines)
    figure, grid = sheet(rows, columns, size, heading)
    axes = grid.ravel()
    show(axes[0], image.pixels, where(attention))
    _mark(axes[0], attention)
    seen = attention.weights.sum(0) > 0
    for axis, title, (_, part) in zip(axes[1:], titles, panels):
        weights = attention.weights[part].mean(0)
        bottom = float(weights[seen].min())
        show_heat(axis, image.pixels, weights, attention.key_stride, title, bottom, ~seen)
        _mark(axis, attention)
    return figure


def where(attention: AttentionMap) -> str:
    """Which query it is."""
    if attention.query is None:
        return 'query: the class token'
    extra = ', merged token' if attention.stands_in else ''
    y, x = attention.query
    return f'query: {y},{x} at stride {attention.stride}{extra}'


def _title(attention: AttentionMap, name: str, part: slice) -> str:
    """The range of what is drawn, and what is paid to tokens that are nowhere on the image."""
    weights = attention.weights[part].mean(0)
    weights = weights[attention.weights.sum(0) > 0]
    shares = [
        (what, float(values[part].mean()))
        for what, values in (
            ('class token', attention.to_class),
            ('padding', attention.to_padding),
            ('merged token', attention.to_merged),
        )
    ]
    elsewhere = ', '.join(f'{what} {share:.1%}' for what, share in shares if share > 0)
    low, high = (f'{float(value):.3g}' for value in (weights.min(), weights.max()))
    values = f'{low} to {high}' if low != high else f'even, {low}'
    return f'{name}: {values}' + (f'\n{elsewhere}' if elsewhere else '')


def _mark(axis: Any, attention: AttentionMap) -> None:
    from matplotlib.patches import Rectangle

    options: Dict[str, Any] = dict(fill=False, edgecolor=MARK)
    if attention.window:
        top, left, bottom, right = attention.window
        box = Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **options)
        axis.add_patch(box).set(linestyle='--', linewidth=1)
    if attention.query:
        y, x = (side * attention.stride - 0.5 for side in attention.query)
        axis.add_patch(Rectangle((x, y), attention.stride, attention.stride, **options))
        middle = attention.stride / 2
        axis.plot(x + middle, y + middle, '+', color=MARK, markersize=7)
