"""All runs of a study in one JSON, which tables and figures are made from."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from ..errors import ConfigError, as_config_error
from ..utils.files import write_json
from .comparable import mark
from .costs import FILE as COSTS
from .costs import Cost, count, read_costs
from .published import published
from .record import Record, record
from .runs import runs_of
from .study import Study

FORMAT = 1
RESULTS = 'results.json'  # in the study's folder


@dataclass
class Row:
    """One config of a study.

    Args:
        name: Of the row.
        config: As the study names it; empty for work directories of which nobody says.
        set: What the row changes.
        trained: False for a published file that is tested only.
        published: Published metrics, in percent; none for a row that changes something.
        source: Where they are published.
        cost: What its model costs.
    """

    name: str
    config: str = ''
    set: Dict[str, Any] = field(default_factory=dict)
    trained: bool = True
    published: Dict[str, float] = field(default_factory=dict)
    source: str = ''
    cost: Cost = field(default_factory=Cost)


@dataclass
class Results:
    """All that tables and figures need.

    Args:
        study: Name of the study.
        mini: Trained on synthetic data: nothing that can be held against a published number.
        baseline: Name of the row that others are compared with.
        rows: In the study's order.
        runs: In the rows' order.
        gathered: The date.
    """

    study: str
    mini: bool
    baseline: str
    rows: List[Row]
    runs: List[Record]
    gathered: str = field(default_factory=lambda: date.today().isoformat())

    def of(self, row: Row) -> List[Record]:
        """The runs of a row."""
        return [run for run in self.runs if run.name == row.name]


def gather(study: Study, others: Sequence[str] = ()) -> Results:
    """Gather a study, and work directories beside it.

    Args:
        study: Whose runs are in its folder, as far as they are.
        others: Work directories that this or any other tool of mmengine has written.

    Raises:
        ConfigError: A folder is not there, or what is in it cannot be read.
    """
    known = read_costs(Path(study.out) / COSTS)
    rows = [_row(study, entry, known) for entry in study.configs]
    runs = [record(run.folder, run.entry.name, run.seed) for run in runs_of(study)]
    return _complete(Results(study.name, study.mini, study.baseline, rows, runs), others)


def gather_folders(folders: Sequence[str], name: str = 'runs') -> Results:
    """Gather work directories of which no study says anything; the first row is the baseline.

    Args:
        folders: One a run, or above several: every folder below with a log of mmengine is one.
        name: Of the whole.

    Raises:
        ConfigError: There is no run in one of them.
    """
    return _complete(Results(name, False, '', [], []), folders)


def _complete(results: Results, folders: Sequence[str]) -> Results:
    for folder in folders:
        for path in work_dirs(Path(folder)):
            results.runs.append(record(path))
    names = {row.name for row in results.rows}
    for name in dict.fromkeys(run.name for run in results.runs):
        results.rows += [] if name in names else [Row(name)]
    results.baseline = results.baseline or results.rows[0].name
    order = [row.name for row in results.rows]
    results.runs.sort(key=lambda run: order.index(run.name))  # stable: seeds stay in order
    mark(results.runs)
    return results


def work_dirs(folder: Path) -> List[Path]:
    """The work directories at or below a folder.

    Raises:
        ConfigError: There is none.
    """
    logs = sorted(folder.glob('**/vis_data/*.json'))
    found = dict.fromkeys(log.parents[2] for log in logs)
    if not found:
        raise ConfigError(f'no run in {folder}: expected folders with */vis_data/scalars.json')
    return [path for path in found if path.name not in ('test', 'whole_batch')]


def _row(study: Study, entry: Any, known: Dict[str, Cost]) -> Row:
    told = published(entry.config)
    cost = count(study, entry)
    measured: Optional[Cost] = known.get(entry.name)
    if measured is not None:
        cost.latency, cost.machine = measured.latency, measured.machine
    row = Row(entry.name, entry.config, entry.set, not entry.checkpoint, cost=cost)
    if not entry.set:
        row.published, row.source = told.metrics, told.source
    return row


def write_results(results: Results, path: Path) -> None:
    """Write the JSON.

    Raises:
        OutputError: It cannot be written.
    """
    write_json(path, dict(format=FORMAT, **asdict(results)))


def read_results(path: Path) -> Results:
    """Read it again.

    Raises:
        ConfigError: It is not there, or is something else.
    """
    if not path.is_file():
        raise ConfigError(f'no file {path}')
    what = f'{path} holds no results that `experiment gather` wrote'
    with as_config_error(what, (ValueError, KeyError, TypeError, AttributeError)):
        content = json.loads(path.read_text(encoding='utf-8'))
        if content.pop('format') != FORMAT:
            raise ValueError(f'another format than {FORMAT}')
        rows = [Row(**{**each, 'cost': Cost(**each['cost'])}) for each in content.pop('rows')]
        runs = [Record(**each) for each in content.pop('runs')]
        return Results(rows=rows, runs=runs, **content)
