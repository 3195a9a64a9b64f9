"""The table as CSV: a line for each row and metric, every number for itself."""

import csv
from io import StringIO
from typing import Any, List, Optional

from .content import NOT_COMPARABLE, Content, Figure, Line

HEAD = (
    'model',
    'config',
    'metric',
    'seeds',
    'mean',
    'median',
    'lowest',
    'highest',
    'difference',
    'p',
    'verdict',
    'published',
    'difference_from_published',
    'verdict_on_published',
    'source',
    'params',
    'flops',
    'latency',
    'seconds_per_step',
    'peak_memory_gib',
    'hours',
)


def render(content: Content) -> str:
    """All lines; what is not known is empty."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(HEAD)
    for line in content.lines:
        for figure in line.figures:
            writer.writerow(_cells(line, figure, content.sources.get(line.row.name, '')))
    return stream.getvalue()


def _cells(line: Line, figure: Figure, source: str) -> List[Any]:
    seeds, verdict, again, cost = figure.seeds, figure.verdict, figure.reproduction, line.row.cost
    says = NOT_COMPARABLE if figure.marked else verdict.says if verdict else ''
    measured = [seeds.mean, seeds.median, seeds.low, seeds.high] if seeds else [None] * 4
    return [
        line.row.name,
        line.row.config,
        figure.metric,
        seeds.count if seeds else 0,
        *map(_number, measured),
        _number(verdict.difference if verdict else None),
        _number(verdict.p if verdict else None),
        says,
        _number(figure.published),
        _number(again.difference if again else None),
        again.says if again else '',
        source,
        *map(_number, (cost.params, cost.flops, cost.latency)),
        *map(_number, (line.seconds, line.memory, line.hours)),
    ]


def _number(value: Optional[float]) -> str:
    return '' if value is None else str(value) if isinstance(value, int) else f'{value:.6g}'
