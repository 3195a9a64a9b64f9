"""Boxes, arrows and residual sums: what the figures of the families are drawn with."""

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

matplotlib.rcParams.update({'font.size': 9, 'svg.hashsalt': 'hybrid_backbones'})

INCHES = 0.62  # of one unit of the canvas
COLOURS = dict(
    conv='#d6e6f7',
    attention='#fbdcb5',
    norm='#e6e6e6',
    mlp='#d9efd3',
    out='#fff3bf',
    plain='#ffffff',
    ours='#f6d5e5',
)
MEANINGS = dict(
    conv='convolution',
    attention='attention',
    norm='norm, pooling, resizing',
    mlp='MLP',
    out='goes to the neck',
    ours='not in the paper',
)
LINE = '#444444'


@dataclass(frozen=True)
class Box:
    """Where a box is; ``x`` and ``y`` are its middle, in units of the canvas."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Tuple[float, float]:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Tuple[float, float]:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Tuple[float, float]:
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> Tuple[float, float]:
        return self.x, self.y - self.height / 2


class Canvas:
    """A figure of ``width`` by ``height`` units; y grows upwards."""

    def __init__(self, width: float, height: float):
        self.figure = Figure(figsize=(width * INCHES, height * INCHES))
        self.axes = self.figure.add_axes([0, 0, 1, 1])
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()

    def box(
        self, x: float, y: float, text: str, kind: str, width: float = 1.9, height: float = 0.8
    ) -> Box:
        """A box around a text, its middle at ``(x, y)``."""
        corner = (x - width / 2, y - height / 2)
        style = 'round,pad=0,rounding_size=0.12'
        patch = FancyBboxPatch(corner, width, height, style, fc=COLOURS[kind], ec=LINE, lw=0.9)
        self.axes.add_patch(patch)
        self.text(x, y, text)
        return Box(x, y, width, height)

    def text(self, x: float, y: float, text: str, **options) -> None:
        """A text whose middle is at ``(x, y)``, unless ``options`` say otherwise."""
        options = {'ha': 'center', 'va': 'center', 'color': '#222222', **options}
        self.axes.text(x, y, text, **options)

    def title(self, x: float, y: float, text: str) -> None:
        """What a part of the figure shows; its left end is at ``(x, y)``."""
        self.text(x, y, text, ha='left', weight='bold', size=10)

    def arrow(self, *points: Tuple[float, float], dashed: bool = False) -> None:
        """A line through all points, with a head at its end."""
        style = dict(color=LINE, lw=1.1, ls='--' if dashed else '-')
        if len(points) > 2:
            self.axes.plot(*zip(*points[:-1]), solid_capstyle='butt', **style)
        head = dict(arrowstyle='-|>', shrinkA=0, shrinkB=0, mutation_scale=10, **style)
        self.axes.annotate('', points[-1], points[-2], arrowprops=head)

    def plus(self, x: float, y: float) -> Box:
        """Where two things are added."""
        self.axes.add_patch(Circle((x, y), 0.2, fc='white', ec=LINE, lw=0.9, zorder=3))
        self.text(x, y - 0.01, '+', size=11, zorder=4)
        return Box(x, y, 0.4, 0.4)

    def chain(
        self,
        x: float,
        y: float,
        steps: Sequence[Tuple[str, str, float]],
        gap: float = 0.35,
        height: float = 0.8,
    ) -> List[Box]:
        """Boxes in a row with arrows between them; the row begins at ``x``.

        Args:
            x: Left end.
            y: Middle.
            steps: Text, kind and width of each box; ``('+', '', 0)`` is a sum.
            gap: Between two boxes.
            height: Of the boxes.
        """
        boxes: List[Box] = []
        for text, kind, width in steps:
            if text == '+':
                boxes.append(self.plus(x + 0.2, y))
                width = 0.4
            else:
                boxes.append(self.box(x + width / 2, y, text, kind, width, height))
            if len(boxes) > 1:
                self.arrow(boxes[-2].right, boxes[-1].left)
            x += width + gap
        return boxes

    def shortcut(self, before: Box, total: Box, lift: float = 0.75) -> None:
        """A residual path from in front of ``before``, over the boxes, into the sum ``total``."""
        x, y = before.left[0] - 0.2, before.y
        self.arrow((x, y), (x, y + lift), (total.x, y + lift), total.top)

    def legend(self, x: float, y: float, kinds: Sequence[str]) -> None:
        """What the colours mean, in a row that begins at ``x``."""
        for kind in kinds:
            self.box(x + 0.18, y, '', kind, 0.36, 0.3)
            self.text(x + 0.46, y, MEANINGS[kind], ha='left', size=8)
            x += 0.95 + 0.115 * len(MEANINGS[kind])

    def save(self, path) -> None:
        """Write an SVG that is the same each time."""
        self.figure.savefig(path, format='svg', metadata={'Date': None})
