"""Rows as tables: for a terminal, as Markdown, and as CSV."""

import csv
from io import StringIO
from typing import Dict, Iterator, List, Sequence

from ..utils import text
from .verdict import Row

HEAD = (
    'config',
    'file',
    'metric',
    'published',
    'measured',
    'difference',
    'per second',
    'GiB',
    'sha256',
    'verdict',
)
SHORT = 8  # digits of a hash for people
GIB = 2**30


def text_table(rows: Sequence[Row]) -> str:
    """Aligned columns, and below them why something is missing or failed.

    A file's name is left out: it is in the other tables.
    """
    lines = [[c for i, c in enumerate(cells) if i not in (1, 8)] for cells in _cells(rows)]
    head = [c for i, c in enumerate(HEAD) if i not in (1, 8)]
    reasons = [f'{row.run.name}: {row.verdict}: {row.reason}' for row in rows if row.reason]
    return '\n'.join([text.aligned_columns([head, *lines], 'llrrrrrl'), *reasons])


def markdown_table(rows: Sequence[Row]) -> str:
    """A table, then the versions that were measured with, and why something failed."""
    found = {_versions(row.measured['versions']) for row in rows if row.measured}
    machines = {row.measured['machine'] for row in rows if row.measured}
    notes = [f'- {line}\n' for line in (*sorted(found), *sorted(machines))]
    notes += [f'- `{row.run.name}`: {row.verdict}: {row.reason}\n' for row in rows if row.reason]
    table = text.markdown_table(HEAD, _cells(rows))
    return ''.join([table, *(['\n', *notes] if notes else [])])


def csv_table(rows: Sequence[Row]) -> str:
    """One line for each metric, with the whole hash and the versions."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow([*HEAD, 'reason', 'machine', 'versions'])
    for row in rows:
        about = row.measured
        more = [row.reason, about.get('machine', ''), _versions(about.get('versions', {}))]
        for cells in _cells([row], digits=64):
            writer.writerow([*cells, *more])
    return stream.getvalue()


def _cells(rows: Sequence[Row], digits: int = SHORT) -> List[List[str]]:
    return [cells for row in rows for cells in _row_cells(row, digits)]


def _row_cells(row: Row, digits: int) -> Iterator[List[str]]:
    """A line for each metric."""
    about = row.measured
    for metric, published in row.run.published.items():
        difference = row.difference(metric)
        measured = difference is not None
        yield [
            row.run.file.config,
            row.run.file.file,
            f'{metric}, TTA' if row.run.tta else metric,
            f'{published:.1f}',
            f'{about["metrics"][metric]:.1f}' if measured else '',
            f'{difference:+.1f}' if measured else '',
            f'{about["rate"]:.2f}' if about else '',
            f'{about["peak_memory"] / GIB:.2f}' if about else '',
            about.get('sha256', '')[:digits],
            row.verdict,
        ]


def _versions(found: Dict[str, str]) -> str:
    return ', '.join(f'{name} {version}' for name, version in found.items())
