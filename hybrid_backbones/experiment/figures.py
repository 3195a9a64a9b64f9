"""Figures for papers: accuracy over cost, and curves with the band of the seeds.

Vector PDF and PNG. Colours are those of Okabe and Ito, which colour-blind people tell apart; every
row has a marker and a kind of line too, for print in grey.
"""

import io
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

from ..errors import ConfigError
from ..openmmlab.metrics import METRICS
from ..utils.files import write_bytes
from .gather import Results, Row
from .noise import summarize
from .record import Curve, Record
from .tables.content import countable, metrics_of

COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
MARKERS = 'osD^vPX*<>'
LINES = ('-', '--', '-.', ':')
SIZE = (3.4, 2.7)  # inches: a column of a paper
LETTERS, KEY = 54, 5  # of a legend's line, and what a line or marker takes of them
DOTS_PER_INCH = 300
FORMATS = ('pdf', 'png')
SETTINGS: Any = {
    'font.size': 8,
    'axes.labelsize': 8,
    'legend.fontsize': 7,
    'xtick.labelsize': 7,
    'ytick.labelsize': 7,
    'lines.linewidth': 1.2,
    'legend.handlelength': 3,
    'pdf.fonttype': 42,  # letters stay letters
    'axes.spines.top': False,
    'axes.spines.right': False,
}
# of a cost: the axis, what it is counted in, and its value
COSTS: Dict[str, Tuple[str, float, Callable[[Row], Any]]] = dict(
    params=('parameters (M)', 1e6, lambda row: row.cost.params),
    flops=('FLOPs (G)', 1e9, lambda row: row.cost.flops),
    latency=('latency (ms)', 1e-3, lambda row: row.cost.latency),
)


class Point(NamedTuple):
    """A row in a figure of accuracy over cost.

    Args:
        label: Its name, without what all names have in common.
        style: Colour, marker and line.
        cost: In the axis' unit.
        mean: Of the metric.
        low: The lowest seed.
        high: The highest seed.
    """

    label: str
    style: Dict[str, Any]
    cost: float
    mean: float
    low: float
    high: float


def draw(results: Results, folder: Path) -> List[Path]:
    """Draw all figures that the results allow.

    Args:
        results: Of a study.
        folder: Where they go, as PDF and as PNG.

    Returns:
        The files.

    Raises:
        ConfigError: There is nothing to draw.
        ImportError: matplotlib is not installed.
        OutputError: A file cannot be written.
    """
    from matplotlib import rc_context

    with rc_context(SETTINGS):
        written = _draw(results, folder)
    if not written:
        raise ConfigError(f'{results.study} has no run with a metric yet: nothing to draw')
    return written


def _draw(results: Results, folder: Path) -> List[Path]:
    written = []
    for metric in metrics_of(results):
        name = re.sub(r'\W+', '_', metric)
        for cost in COSTS:
            points = _points(results, metric, cost)
            if points:
                figure = _over_cost(points, metric, COSTS[cost][0])
                written += _save(figure, folder / f'{name}_over_{cost}')
        if any(_with_curve(results, row, metric) for row in results.rows):
            figure = _curves(results, metric)
            written += _save(figure, folder / f'{name}_curves')
    return written


def short_labels(names: Sequence[str]) -> List[str]:
    """Names without the words that all of them begin or end with.

    Example:
        >>> short_labels(['maskrcnn_cvt_13_1x', 'maskrcnn_uniformer_s_1x'])
        ['cvt_13', 'uniformer_s']
    """
    words = [name.split('_') for name in names]
    if len(names) < 2:
        return list(names)
    first = 0
    while all(len(each) > first + 1 and each[first] == words[0][first] for each in words):
        first += 1
    last = 0
    while all(
        len(each) > first + last + 1 and each[-1 - last] == words[0][-1 - last] for each in words
    ):
        last += 1
    return ['_'.join(each[first : len(each) - last]) for each in words]


def _styles(results: Results) -> Dict[str, Tuple[str, Dict[str, Any]]]:
    """Label and style of each row, the same in all figures."""
    labels = short_labels([row.name for row in results.rows])
    return {
        row.name: (
            label,
            dict(
                color=COLOURS[i % len(COLOURS)],
                marker=MARKERS[i % len(MARKERS)],
                linestyle=LINES[i % len(LINES)],
            ),
        )
        for i, (row, label) in enumerate(zip(results.rows, labels))
    }


def _points(results: Results, metric: str, cost: str) -> List[Point]:
    """Rows of which both are known, but those that must not be compared."""
    _, unit, value_of = COSTS[cost]
    styles = _styles(results)
    found = []
    for row in results.rows:
        runs = [run for run in countable(results.of(row)) if not run.marks]
        values = [run.last[metric] for run in runs if metric in run.last]
        value = value_of(row)
        if values and value is not None:
            seeds = summarize(values)
            found.append(Point(*styles[row.name], value / unit, seeds.mean, seeds.low, seeds.high))
    return found


def _over_cost(points: Sequence[Point], metric: str, axis: str) -> Any:
    figure, axes = _new_figure()
    for point in points:
        errors = [[point.mean - point.low], [point.high - point.mean]]
        style = {**point.style, 'linestyle': 'none'}
        axes.errorbar(
            point.cost, point.mean, errors, label=point.label, capsize=2, markersize=5, **style
        )
    axes.set_xlabel(axis)
    axes.set_ylabel(_with_unit(metric))
    _legend(figure, [point.label for point in points])
    return figure


def _curves(results: Results, metric: str) -> Any:
    figure, axes = _new_figure()
    styles = _styles(results)
    units, drawn = set(), []
    for row in results.rows:
        runs = _with_curve(results, row, metric)
        if runs:
            units |= {run.unit for run in runs}
            label, style = styles[row.name]
            _band(axes, [_scaled(run, metric) for run in runs], label, style)
            drawn.append(label)
    axes.set_xlabel(' or '.join(sorted(unit.rstrip('s') for unit in units if unit)))
    axes.set_ylabel(_with_unit(metric))
    axes.xaxis.get_major_locator().set_params(integer=True)
    _legend(figure, drawn)
    return figure


def _with_curve(results: Results, row: Row, metric: str) -> List[Record]:
    """A row's runs that may be compared, as far as they are."""
    key = _key(metric)
    return [run for run in results.of(row) if key in run.curves and not run.marks]


def _band(axes: Any, curves: Sequence[Curve], label: str, style: Dict[str, Any]) -> None:
    """The mean of the seeds, and from the lowest to the highest, where all of them are."""
    by_step: Dict[float, List[float]] = {}
    for curve in curves:
        for step, value in curve:
            by_step.setdefault(step, []).append(value)
    steps = [step for step, values in sorted(by_step.items()) if len(values) == len(curves)]
    seeds = [summarize(by_step[step]) for step in steps]
    axes.plot(steps, [each.mean for each in seeds], label=label, markersize=3, **style)
    if len(curves) > 1:
        low, high = [each.low for each in seeds], [each.high for each in seeds]
        axes.fill_between(steps, low, high, color=style['color'], alpha=0.2, linewidth=0)


def _scaled(run: Record, metric: str) -> Curve:
    key = _key(metric)
    factor = METRICS[key][1] if key in METRICS else 1
    return [(step, value * factor) for step, value in run.curves[key]]


def _key(metric: str) -> str:
    """The evaluator's name of a metric."""
    return next((key for key, (name, _) in METRICS.items() if name == metric), metric)


def _with_unit(metric: str) -> str:
    return f'{metric} (%)' if _key(metric) in METRICS else metric


def _new_figure() -> Tuple[Any, Any]:
    """A figure with axes, without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.grid(alpha=0.3, linewidth=0.5)
    return figure, axes


def _legend(figure: Any, labels: Sequence[str]) -> None:
    """Below the axes, in as many columns as fit."""
    fit = LETTERS // (max(map(len, labels)) + KEY)
    columns = max(min(fit, len(labels)), 1)
    figure.legend(loc='outside lower center', ncols=columns, frameon=False)


def _save(figure: Any, path: Path) -> List[Path]:
    written = []
    for kind in FORMATS:
        image = io.BytesIO()
        figure.savefig(image, format=kind, dpi=DOTS_PER_INCH)
        written.append(path.with_name(f'{path.name}.{kind}'))
        write_bytes(written[-1], image.getvalue())
    return written
