"""Curves of training logs in a figure: losses, metrics and learning rate of one or more runs."""

import io
import math
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ...errors import ConfigError
from ...utils.files import write_bytes
from .read import Curve, TrainingLog

TITLES = dict(loss='loss', metric='evaluation', lr='learning rate', other='of training')
# drawn unless others are asked for, of a log that has them; of another log all metrics are
MAIN_METRICS = ('coco/bbox_mAP', 'coco/segm_mAP', 'coco/AP', 'mIoU')
PANEL = (5.2, 4.0)  # inches
DOTS_PER_INCH = 100
MAX_LEGEND = 24  # more entries than this hide the curves
LINES = ('-', '--', ':', '-.')

Drawn = Tuple[TrainingLog, Curve]


def select(logs: Sequence[TrainingLog], keys: Optional[Sequence[str]] = None) -> List[Drawn]:
    """The curves to draw.

    Args:
        logs: The runs.
        keys: Which quantities; None takes the loss (of one run: and its parts), the learning rate
            and the main metrics of each run.

    Raises:
        ConfigError: No log has one of the keys; names those that there are.
    """
    every = [(log, curve) for log in logs for curve in log.curves() if curve.steps]
    known = dict.fromkeys(curve.key for _, curve in every)
    if keys is None:
        main = [(log, curve) for log, curve in every if _is_main(log, curve, len(logs))]
        if not main:
            raise ConfigError(
                f'name the `keys`: no loss or metric is logged, but {", ".join(known)}'
            )
        return main
    for key in keys:
        if key not in known:
            raise ConfigError(f'no log has {key!r}; there are {", ".join(known)}')
    return [(log, curve) for log, curve in every if curve.key in keys]


def _is_main(log: TrainingLog, curve: Curve, runs: int) -> bool:
    if curve.kind == 'loss':
        return runs == 1 or curve.key == 'loss'
    if curve.kind == 'metric':
        main = {c.key for c in log.curves()} & set(MAIN_METRICS)
        return curve.key in main or not main
    return curve.key == 'lr'


def draw(drawn: Sequence[Drawn], out: str, smooth: int = 1) -> None:
    """Write the figure: a panel for each kind of curve.

    A colour is a run's, and of a single run a quantity's.

    Args:
        drawn: See :func:`select`.
        out: File to write; its ending says the format.
        smooth: Losses are means of up to this many logged values, the last of which stands at
            its place; what was logged is drawn thinly behind.

    Raises:
        ConfigError: The ending is of no format that matplotlib writes.
        OutputError: The file cannot be written.
    """
    figure = _figure(drawn, smooth)
    target = Path(out)
    known = figure.canvas.get_supported_filetypes()
    if target.suffix[1:].lower() not in known:
        raise ConfigError(f'`out` takes {", ".join(sorted(known))}; got {out!r}')
    image = io.BytesIO()  # on a full disk the encoders' errors say nothing
    figure.savefig(image, format=target.suffix[1:].lower(), dpi=DOTS_PER_INCH)
    write_bytes(target, image.getvalue())


def _figure(drawn: Sequence[Drawn], smooth: int) -> Any:
    """A matplotlib figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # not pyplot: it would look for a screen

    kinds = [kind for kind in TITLES if any(curve.kind == kind for _, curve in drawn)]
    figure = Figure(figsize=(PANEL[0] * len(kinds), PANEL[1]), layout='constrained')
    FigureCanvasAgg(figure)
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds):
        _panel(axes, [(log, curve) for log, curve in drawn if curve.kind == kind], smooth)
    runs = dict.fromkeys(log.name for log, _ in drawn)
    if len(runs) == 1:
        figure.suptitle(next(iter(runs)), fontsize='medium')
    return figure


def _panel(axes: Any, drawn: Sequence[Drawn], smooth: int) -> None:
    kind = drawn[0][1].kind
    keys = list(dict.fromkeys(curve.key for _, curve in drawn))
    runs = list(dict.fromkeys(log.name for log, _ in drawn))
    for log, curve in drawn:
        key, run = keys.index(curve.key), runs.index(log.name)
        one_run = len(runs) == 1
        style = dict(
            color=f'C{(key if one_run else run) % 10}',
            linestyle='-' if one_run else LINES[key % len(LINES)],
            # a lone value is no line, and evaluations are few
            marker='o' if kind == 'metric' or len(curve.steps) == 1 else None,
            markersize=3,
        )
        values = curve.values
        if kind == 'loss' and smooth > 1:
            axes.plot(curve.steps, values, **{**style, 'alpha': 0.25, 'linewidth': 0.8})
            values = running_mean(values, smooth)
        axes.plot(curve.steps, values, label=_label(log, curve, runs, keys), **style)
    axes.set_title(keys[0] if len(keys) == 1 else TITLES[kind], fontsize='medium')
    axes.set_xlabel(_counter(kind, [log for log, _ in drawn]))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.ticklabel_format(axis='y', scilimits=(-2, 4))
    axes.grid(alpha=0.3)
    if 1 < len(drawn) <= MAX_LEGEND:
        axes.legend(fontsize='x-small')


def _label(log: TrainingLog, curve: Curve, runs: List[str], keys: List[str]) -> str:
    if len(runs) == 1:
        return curve.key
    return log.name if len(keys) == 1 else f'{log.name}: {curve.key}'


def _counter(kind: str, logs: Sequence[TrainingLog]) -> str:
    if kind != 'metric':
        return 'iteration'
    units = {'epoch' if log.by_epoch else 'iteration' for log in logs}
    return ' or '.join(sorted(units))


def running_mean(values: Sequence[float], window: int) -> List[float]:
    """Means of up to ``window`` values, the last of which stands at the mean's place."""
    return [
        sum(part) / len(part)
        for part in (values[max(i + 1 - window, 0) : i + 1] for i in range(len(values)))
    ]


def summary(log: TrainingLog) -> str:
    """A run in a line: how far it came, its loss, and its main metrics."""
    curves: Dict[str, Curve] = {c.key: c for c in log.curves() if c.steps}
    parts = []
    if log.training:
        parts.append(f'{log.training[-1]["iter"]:.0f} iterations')
    if log.starts > 1:
        parts.append(f'{log.starts} logs joined')
    loss = curves.get('loss')
    if loss:
        parts.append(f'loss {loss.values[0]:.4g} to {loss.values[-1]:.4g}')
        bad = [s for s, value in zip(loss.steps, loss.values) if not math.isfinite(value)]
        if bad:
            parts.append(f'not finite from iteration {bad[0]:.0f}')
    unit = 'epoch' if log.by_epoch else 'iteration'
    for key in MAIN_METRICS:
        if key in curves:
            value, step = max(zip(curves[key].values, curves[key].steps), key=_finite_first)
            parts.append(f'highest {key} {value:.4g} at {unit} {step:.0f}')
    return f'{log.name}: {", ".join(parts)}'


def _finite_first(point: Tuple[float, float]) -> Tuple[bool, float]:
    return math.isfinite(point[0]), point[0]
