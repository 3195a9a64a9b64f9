"""What a table of results says, before it is Markdown, LaTeX, CSV or HTML."""

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Sequence

from ...analysis.training_memory.estimate import GIB
from ...openmmlab.metrics import METRICS
from ..gather import Results, Row
from ..noise import Seeds, Verdict, compare, compare_with_published, summarize
from ..record import Record
from ..state import DONE

NOT_COMPARABLE = 'not comparable'
MARK = '†'  # of rows that must not be compared


@dataclass(frozen=True)
class Figure:
    """One metric of one row.

    Args:
        metric: Its name.
        seeds: What was measured; None if no run is done.
        marked: Whether all of it must not be compared.
        verdict: Against the baseline; None for the baseline itself, and where there is nothing.
        published: The published number.
        reproduction: Against that; None where there is none, or it is of other data.
        best: Whether it is the highest of those that may be compared.
    """

    metric: str
    seeds: Optional[Seeds] = None
    marked: bool = False
    verdict: Optional[Verdict] = None
    published: Optional[float] = None
    reproduction: Optional[Verdict] = None
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One row of a table.

    Args:
        row: Of the study.
        figures: One for each metric.
        runs: That its numbers are from.
    """

    row: Row
    figures: List[Figure]
    runs: List[Record]

    @property
    def seconds(self) -> Optional[float]:
        """Of a step, the mean of its runs."""
        times = [run.seconds_per_step for run in self.runs if run.seconds_per_step]
        return sum(times) / len(times) if times else None

    @property
    def memory(self) -> Optional[float]:
        """The highest peak of its runs, in GiB."""
        return max((run.peak_memory for run in self.runs), default=0) / GIB or None

    @property
    def hours(self) -> Optional[float]:
        """Of all its runs."""
        return sum(run.hours for run in self.runs) or None


@dataclass(frozen=True)
class Content:
    """A whole table.

    Args:
        title: Of the study.
        metrics: Their names.
        lines: The rows.
        notes: What a reader has to know.
        sources: Where numbers are published, by the row's name.
    """

    title: str
    metrics: List[str]
    lines: List[Line]
    notes: List[str] = field(default_factory=list)
    sources: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One cell as text.

    Args:
        text: What it says.
        bold: The best of its column.
    """

    text: str
    bold: bool = False


def content_of(results: Results) -> Content:
    """The table of a study."""
    metrics = metrics_of(results)
    counted = {row.name: countable(results.of(row)) for row in results.rows}
    lines = []
    for row in results.rows:
        base = counted.get(results.baseline, [])
        figures = [_figure(metric, row, counted[row.name], base, results) for metric in metrics]
        lines.append(Line(row, figures, counted[row.name]))
    lines = _with_best(lines)
    sources = {row.name: row.source for row in results.rows if row.source and row.published}
    return Content(results.study, metrics, lines, list(_notes(results, lines)), sources)


def metrics_of(results: Results) -> List[str]:
    """Those that runs have, in the order in which papers name them."""
    found = dict.fromkeys(name for run in results.runs for name in run.last)
    known = [name for name, _ in METRICS.values() if name in found]
    return known or list(found)


def countable(runs: Sequence[Record]) -> List[Record]:
    """Runs that are done: those without marks, or if there are none such, all."""
    done = [run for run in runs if run.status == DONE and run.last]
    return [run for run in done if not run.marks] or done


def _figure(
    metric: str, row: Row, runs: List[Record], base: List[Record], results: Results
) -> Figure:
    values = [run.last[metric] for run in runs if metric in run.last]
    published = row.published.get(metric)
    if not values:
        return Figure(metric, published=published)
    marked = any(run.marks for run in runs)
    others = [run.last[metric] for run in base if metric in run.last]
    compared = others and row.name != results.baseline and not marked
    compared = compared and not any(run.marks for run in base)
    against = compare(metric, values, others) if compared else None
    told = published is not None and not results.mini and not marked
    again = compare_with_published(metric, values, published or 0) if told else None
    return Figure(metric, summarize(values), marked, against, published, again)


def _with_best(lines: List[Line]) -> List[Line]:
    """The highest mean of each metric, as it is printed."""
    highest: Dict[str, float] = {}
    for figure in (figure for line in lines for figure in line.figures):
        if figure.seeds and not figure.marked:
            mean = round(figure.seeds.mean, 1)
            highest[figure.metric] = max(mean, highest.get(figure.metric, mean))
    return [Line(line.row, [_best(f, highest) for f in line.figures], line.runs) for line in lines]


def _best(figure: Figure, highest: Dict[str, float]) -> Figure:
    is_best = (
        figure.seeds is not None
        and not figure.marked
        and round(figure.seeds.mean, 1) == highest[figure.metric]
    )
    return Figure(**{**figure.__dict__, 'best': is_best})


def head(content: Content) -> List[str]:
    """The columns' names."""
    of_metrics = [
        name for metric in content.metrics for name in (metric, 'difference', 'published')
    ]
    return ['model', 'params (M)', 'GFLOPs', 'seeds', *of_metrics, 's/step', 'GiB', 'hours']


def cells(line: Line) -> List[Cell]:
    """A row's cells, as many as :func:`head` has."""
    cost = line.row.cost
    seeds = next((figure.seeds.count for figure in line.figures if figure.seeds), 0)
    marked = MARK if any(figure.marked for figure in line.figures) else ''
    texts = [
        Cell(line.row.name + marked),
        Cell('-' if cost.params is None else f'{cost.params / 1e6:.1f}'),
        Cell('-' if cost.flops is None else f'{cost.flops / 1e9:.1f}'),
        Cell(str(seeds) if line.row.trained else 'tested'),
    ]
    for figure in line.figures:
        texts += [_measured(figure), Cell(difference(figure)), Cell(published(figure))]
    for value, digits in ((line.seconds, 3), (line.memory, 1), (line.hours, 2)):
        texts.append(Cell('-' if value is None else f'{value:.{digits}f}'))
    return texts


def _measured(figure: Figure) -> Cell:
    seeds = figure.seeds
    if seeds is None:
        return Cell('-')
    spread = f' ({seeds.low:.1f} to {seeds.high:.1f})' if seeds.count > 1 else ''
    return Cell(f'{seeds.mean:.1f}{spread}', figure.best)


def difference(figure: Figure) -> str:
    """Against the baseline: signed, with the verdict."""
    if figure.marked:
        return NOT_COMPARABLE
    verdict = figure.verdict
    return '' if verdict is None else f'{verdict.difference:+.1f}, {verdict.says}'


def published(figure: Figure) -> str:
    """The published number, with the difference of ours from it."""
    if figure.published is None:
        return ''
    again = figure.reproduction
    more = '' if again is None else f' ({again.difference:+.1f}, {again.says})'
    return f'{figure.published:.1f}{more}'


def _notes(results: Results, lines: Sequence[Line]) -> Iterator[str]:
    yield (
        'Metrics are of the last checkpoint, in percent: mean (lowest to highest) over seeds. '
        f"Differences are from {results.baseline}; a row differs where Welch's test gives "
        'p < 0.05 and the means are further apart than seeds usually are (0.2 AP, 1 mIoU).'
    )
    if results.mini:
        yield 'Trained on small synthetic data: nothing here can be held against published numbers.'
    for run in results.runs:
        name = run.name if run.seed is None else f'{run.name}, seed {run.seed}'
        if run.status != DONE:
            yield f'{name}: {run.status}' + (f': {run.reason}' if run.reason else '')
        if run.marks:
            counted = any(run is each for line in lines for each in line.runs)
            then = '' if counted else ' (left out)'
            yield f'{name}: {NOT_COMPARABLE}: {"; ".join(run.marks)}{then}'
    machines = sorted({run.machine for line in lines for run in line.runs if run.machine})
    if machines:
        alike = '' if len(machines) == 1 else ': times and memory are not to be compared'
        yield f'Trained on {"; ".join(machines)}{alike}.'
    versions = sorted({_versions(run) for line in lines for run in line.runs if run.versions})
    if versions:
        yield f'With {"; or ".join(versions)}.'


def _versions(run: Record) -> str:
    return ', '.join(f'{name} {version}' for name, version in run.versions.items())
