"""The figure of ``receptive_field``: one panel for each backbone."""

from typing import Any, Dict, NamedTuple, Sequence

import torch.nn.functional as F
from torch import Tensor

from .canvas import sheet, show

DECADES = 4  # from the largest value down to black
CELLS = 120  # along a side of a panel, at most


class FieldPanel(NamedTuple):
    """One backbone's field.

    Args:
        title: Above the panel.
        field: ``(H, W)``.
        shares: Of :func:`hybrid_backbones.analysis.area_shares`.
    """

    title: str
    field: Tensor
    shares: Dict[float, float]


def draw_receptive_fields(panels: Sequence[FieldPanel], heading: str, columns: int = 5) -> Any:
    """Each field in logarithmic grades of its own maximum, and below it how wide it is.

    Returns:
        A matplotlib figure.
    """
    from matplotlib.colors import LogNorm

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = sheet(rows, columns, (2.5, 3.4), heading)
    drawn = None
    for axis, panel in zip(axes.flat, panels):
        field = coarser(panel.field)
        field = field / field.max().clamp(min=1e-30)
        floor = 10.0**-DECADES
        lines = [f'{share:.0%} in {area:.1%} of the area' for share, area in panel.shares.items()]
        norm = LogNorm(vmin=floor, vmax=1)
        drawn = show(
            axis, field.clamp(min=floor), panel.title, '\n'.join(lines), cmap='magma', norm=norm
        )
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6, pad=0.01)
    bar.ax.tick_params(labelsize=8)
    bar.set_label('gradient, of the maximum', fontsize=8)
    return figure


def coarser(field: Tensor) -> Tensor:
    """Means over squares of pixels, so that a panel has no more cells than it can show."""
    step = -(-max(field.shape) // CELLS)
    return F.avg_pool2d(field[None], step, ceil_mode=True, count_include_pad=False)[0]
