"""Sheets of panels, images under heat, and files that are whole or not there."""

import io
from pathlib import Path
from textwrap import wrap
from typing import Any, Optional, Tuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ....errors import ConfigError
from ....utils.files import check_file, write_bytes

SUFFIXES = ('.png', '.jpg', '.jpeg')
DPI = 100
TEXT = 9  # points
PER_INCH = 11  # letters of a heading, at most
HEAT = 'inferno'
FAINTEST, STRONGEST = 0.45, 0.8  # opacity of the smallest and the largest value


def sheet(
    rows: int, cols: int, panel: Tuple[float, float], heading: str
) -> Tuple[Any, NDArray[Any]]:
    """A figure of panels without axes.

    Args:
        rows: Of panels.
        cols: Of panels.
        panel: Width and height of one, in inches.
        heading: Above all, broken where it is too long.

    Returns:
        The figure, and its axes ``(rows, cols)``.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError('to draw figures: pip install matplotlib') from None
    width = cols * panel[0]
    lines = [part for line in heading.split('\n') for part in wrap(line, int(width * PER_INCH))]
    size = (width, rows * panel[1] + 0.1 + 0.2 * len(lines))
    figure = Figure(figsize=size, dpi=DPI, layout='constrained')
    figure.suptitle('\n'.join(lines), fontsize=TEXT + 2)
    axes = figure.subplots(rows, cols, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def show(axis: Any, values: Any, title: str = '', below: str = '', **options: Any) -> Any:
    """Draw a map ``(h, w)`` or an image ``(h, w, 3)`` into a panel."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().float().numpy()
    axis.set_title(title, fontsize=TEXT)
    if below:
        axis.text(0.5, -0.02, below, transform=axis.transAxes, fontsize=TEXT, ha='center', va='top')
    drawn = axis.imshow(values, **{'interpolation': 'nearest', **options})
    axis.autoscale(False)  # marks that reach beyond the image are cut
    return drawn


def show_heat(
    axis: Any,
    pixels: NDArray[Any],
    heat: Tensor,
    stride: int,
    title: str = '',
    bottom: float = 0.0,
    hidden: Optional[Tensor] = None,
) -> None:
    """Draw a map over an image turned grey; the largest value is the brightest.

    Args:
        axis: The panel.
        pixels: ``(H, W, 3)`` uint8.
        heat: ``(h, w)``.
        stride: Of the map, in pixels; the map may reach beyond the image.
        title: Above.
        bottom: The value that is drawn darkest.
        hidden: ``(h, w)`` bool, where nothing is drawn.
    """
    height, width = pixels.shape[:2]
    grey = pixels.mean(2) * 0.8 + 25
    show(axis, grey, title, cmap='gray', vmin=0, vmax=255)
    values = heat.detach().cpu().float().numpy()
    span = float(values.max()) - bottom
    values = np.clip((values - bottom) / span, 0, 1) if span > 0 else np.zeros_like(values)
    alpha = FAINTEST + (STRONGEST - FAINTEST) * values
    if hidden is not None:
        alpha = np.where(hidden.cpu().numpy(), 0, alpha)
    rows, cols = values.shape
    axis.imshow(
        values,
        cmap=HEAT,
        vmin=0,
        vmax=1,
        alpha=alpha,
        interpolation='nearest',
        extent=(-0.5, cols * stride - 0.5, rows * stride - 0.5, -0.5),
    )
    axis.set_xlim(-0.5, width - 0.5)
    axis.set_ylim(height - 0.5, -0.5)


def check_target(path: str) -> Path:
    """See that a figure can be written there, before anything is computed.

    Raises:
        ConfigError: The name has another ending than an image's.
        OutputError: It is a folder, or cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise ConfigError(f'`out` is an image: FILE.png or FILE.jpg, not {str(target)!r}')
    check_file(target)
    return target


def save(figure: Any, path: Path) -> None:
    """Write a figure, making the folder; a file of that name is replaced when it is whole.

    Raises:
        OutputError: The file cannot be written.
    """
    kind = dict(quality=85) if path.suffix.lower() != '.png' else dict(optimize=True)
    image = io.BytesIO()  # on a full disk the encoders' errors say nothing
    figure.savefig(image, format=path.suffix[1:].lower(), pil_kwargs=kind)
    write_bytes(path, image.getvalue())
