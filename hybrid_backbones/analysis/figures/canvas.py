"""Sheets of panels, pictures under heat, and files that are whole or not there."""

import os
from pathlib import Path
from typing import Any, Optional, Tuple

import numpy as np
from torch import Tensor

from ...engine.settings import SettingsError

SUFFIXES = ('.png', '.jpg', '.jpeg')
DPI = 100
TEXT = 9  # points
HEAT = 'inferno'


def sheet(rows: int, cols: int, panel: Tuple[float, float], heading: str) -> Tuple[Any, np.ndarray]:
    """A figure of panels without axes.

    Args:
        rows: Of panels.
        cols: Of panels.
        panel: Width and height of one, in inches.
        heading: Above all.

    Returns:
        The figure, and its axes ``(rows, cols)``.

    Raises:
        SettingsError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SettingsError('to draw figures: pip install matplotlib') from None
    width, height = cols * panel[0], rows * panel[1] + 0.4
    figure = Figure(figsize=(width, height), dpi=DPI, layout='constrained')
    figure.suptitle(heading, fontsize=TEXT + 2)
    axes = figure.subplots(rows, cols, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def show(axis: Any, values: Any, title: str = '', below: str = '', **options: Any) -> Any:
    """Draw a map ``(h, w)`` or a picture ``(h, w, 3)`` into a panel."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().float().numpy()
    axis.set_title(title, fontsize=TEXT)
    if below:
        axis.text(0.5, -0.02, below, transform=axis.transAxes, fontsize=TEXT, ha='center', va='top')
    return axis.imshow(values, **{'interpolation': 'nearest', **options})


def show_heat(
    axis: Any,
    pixels: np.ndarray,
    heat: Tensor,
    stride: int,
    title: str = '',
    top: Optional[float] = None,
) -> None:
    """Draw a map over a picture turned grey; the largest value is the brightest.

    Args:
        axis: The panel.
        pixels: ``(H, W, 3)`` uint8.
        heat: ``(h, w)``, not negative.
        stride: Of the map, in pixels; the map may reach beyond the picture.
        title: Above.
        top: The value that is drawn brightest; None: the largest.
    """
    height, width = pixels.shape[:2]
    grey = pixels.mean(2) * 0.8 + 40
    show(axis, grey, title, cmap='gray', vmin=0, vmax=255)
    values = heat.detach().cpu().float().numpy()
    top = float(values.max() if top is None else top) or 1.0
    values = np.clip(values / top, 0, 1)
    rows, cols = values.shape
    axis.imshow(
        values,
        cmap=HEAT,
        vmin=0,
        vmax=1,
        alpha=0.25 + 0.6 * values**0.5,
        interpolation='nearest',
        extent=(-0.5, cols * stride - 0.5, rows * stride - 0.5, -0.5),
    )
    axis.set_xlim(-0.5, width - 0.5)
    axis.set_ylim(height - 0.5, -0.5)


def check_target(path: str) -> Path:
    """See that a figure can be written there, before anything is computed.

    Raises:
        SettingsError: The name has another ending than a picture's, or it is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise SettingsError(f'--out writes a picture: FILE.png or FILE.jpg, not {str(path)!r}')
    if path.is_dir():
        raise SettingsError(f'--out {path} is a folder: name a file in it')
    return path


def save(figure: Any, path: Path) -> None:
    """Write a figure, making the folder; a file of that name is replaced when it is whole.

    Raises:
        SettingsError: The folder cannot be written to.
    """
    unfinished = path.with_name(f'.{os.getpid()}-{path.name}')
    kind = dict(quality=85) if path.suffix.lower() != '.png' else dict(optimize=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(unfinished, pil_kwargs=kind)
        os.replace(unfinished, path)
    except OSError as error:
        raise SettingsError(f'{path} cannot be written: {error.strerror or error}') from None
    finally:
        unfinished.unlink(missing_ok=True) if unfinished.parent.is_dir() else None
