"""Reading what mmengine's Runner logs while it trains: losses, learning rates and metrics.

mmengine writes a line of JSON for every logged iteration, with the iteration under ``iter``, and
one for every evaluation, whose ``step`` counts epochs or iterations as the training loop does. A
work directory has such a file for every start of its training.
"""

import json
import math
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ...errors import ConfigError

Row = Dict[str, float]
NAMES = 'scalars.json', '*.json'  # of a log: the common one before the one with the time
COUNTERS = ('iter', 'epoch', 'step')
TIMES = ('time', 'data_time')  # of evaluations; nobody wants them among the metrics
NOTHING = -1.0  # COCO's value of a metric over objects of which there are none


@dataclass(frozen=True)
class Curve:
    """One quantity of a run.

    Args:
        key: As in the log.
        kind: ``'loss'``, ``'lr'`` or ``'other'`` of training, ``'metric'`` of an evaluation.
        steps: Rising; epochs for metrics of a training that counts epochs, else iterations.
        values: As many; may be nan or infinite where the training was.
    """

    key: str
    kind: str
    steps: List[float]
    values: List[float]


@dataclass
class TrainingLog:
    """The log of a run, its several starts joined.

    Args:
        name: Of the run's folder.
        training: Rows of logged iterations, ``iter`` rising.
        evaluations: Rows of evaluations, ``step`` rising.
        by_epoch: Whether ``step`` of evaluations counts epochs.
        starts: How many log files this is from.
        notes: What was skipped.
    """

    name: str
    training: List[Row]
    evaluations: List[Row]
    by_epoch: bool
    starts: int = 1
    notes: List[str] = field(default_factory=list)

    def curves(self) -> List[Curve]:
        """All that the log has, in its order: what is trained on first, then metrics."""
        found = [_curve(key, _kind(key), self.training, 'iter') for key in _keys(self.training)]
        return found + [
            _curve(key, 'metric', self.evaluations, 'step')
            for key in _keys(self.evaluations)
            if key not in TIMES
        ]


def read_logs(paths: Sequence[str]) -> List[TrainingLog]:
    """Read several runs; those whose folders have the same name are named by their paths.

    Raises:
        ConfigError: As :func:`read_log`, or the same run is named twice.
    """
    twice = [path for i, path in enumerate(paths) if path in paths[:i]]
    if twice:
        raise ConfigError(f'{twice[0]} is named twice')
    logs = [read_log(path) for path in paths]
    names = [log.name for log in logs]
    for path, log in zip(paths, logs):
        if names.count(log.name) > 1:
            log.name = str(path)
    return logs


def read_log(path: str) -> TrainingLog:
    """Read a run's log.

    Where a run was started several times, a later log replaces what an earlier one has of the
    iterations after the checkpoint that it resumed from: all of it, if it began anew.

    Args:
        path: A work directory, the folder of one start in it, or a log file.

    Raises:
        ConfigError: There is no log, it has no complete line, or it is none of mmengine's.
    """
    files = _find(Path(path))
    logs = [log for file in files for log in _read(file)]
    with_rows = [log for log in logs if log.training or log.evaluations]
    if not with_rows:
        raise ConfigError(f'{files[0]} has no complete line yet: nothing was logged')
    joined = reduce(_join, with_rows)
    joined.name = _name(Path(path))
    joined.starts = len(with_rows)
    joined.notes = [note for log in logs for note in log.notes]
    return joined


def _find(path: Path) -> List[Path]:
    """The log files of a run, in the order of their starts: folders are named by time."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f'no log at {path}: name a work directory or a log file')
    for pattern in ('', 'vis_data', '*/vis_data'):
        folders = sorted(path.glob(pattern)) if pattern else [path]
        if not pattern and path.name != 'vis_data':
            continue
        found = [_of_folder(folder) for folder in folders]
        if any(found):
            return [file for file in found if file]
    raise ConfigError(
        f'{path} holds no training log: expected vis_data/scalars.json in it or in its folders '
        'named by time, as training writes them'
    )


def _of_folder(folder: Path) -> Any:
    """The log in a ``vis_data`` folder, or None."""
    return next((file for name in NAMES for file in sorted(folder.glob(name))), None)


def _name(path: Path) -> str:
    """A run's name: of its folder, with that of the work directory if it is one start of it."""
    path = path.resolve()
    if path.is_file():
        path = path.parent if path.parent.name == 'vis_data' else path
    if path.name == 'vis_data':
        path = path.parent
    is_start = (path / 'vis_data').is_dir()
    return f'{path.parent.name}/{path.name}' if is_start else path.name


def _read(file: Path) -> List[TrainingLog]:
    """The starts that wrote to a file: one, if not several had the same folder."""
    logs = [_empty(file)]
    for row in _rows(file, logs[0].notes):
        log = logs[-1]
        latest = log.training[-1]['iter'] if log.training else 0
        if 'iter' not in row:
            log.evaluations.append({**row, 'latest': latest})
            continue
        if row['iter'] <= latest:
            log = _empty(file)
            logs.append(log)
        log.training.append(row)
        log.by_epoch |= 'epoch' in row
    for log in logs:
        _count(log)
    return logs


def _empty(file: Path) -> TrainingLog:
    return TrainingLog(str(file), training=[], evaluations=[], by_epoch=False)


def _count(log: TrainingLog) -> None:
    """See that evaluations say when they were."""
    latest = [row.pop('latest') for row in log.evaluations]
    steps = [row['step'] for row in log.evaluations]
    if not log.by_epoch and len(set(steps)) < len(steps):
        # mmengine's default in a training that counts iterations: epoch 0 for every evaluation
        for row, iteration in zip(log.evaluations, latest):
            row['step'] = iteration


def _rows(file: Path, notes: List[str]) -> Iterator[Row]:
    try:
        text = file.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'it is no text'
        raise ConfigError(f'{file} cannot be read: {reason}') from None
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            # a run that was killed while it wrote leaves a line without its end
            if number == len(lines) and line.startswith('{') and not text.endswith('\n'):
                notes.append(f'{file}: line {number}, the last one, is cut off: skipped')
                return
            raise ConfigError(
                f'{file} is corrupt in line {number}: expected JSON, as mmengine logs it'
            ) from None
        if not isinstance(row, dict) or not _is_number(row.get('step')):
            raise ConfigError(
                f'{file} is no log of a training: line {number} has no "step" (a log has a line '
                'of JSON for every logged iteration, as in vis_data/scalars.json)'
            )
        yield {key: value for key, value in row.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _join(earlier: TrainingLog, later: TrainingLog) -> TrainingLog:
    start = _start(later.training)
    if start <= 0:  # it began anew
        return later
    if later.by_epoch:
        begins = [row['epoch'] for row in later.training[:1]]
    else:
        begins = [start + 1]
    begins += [row['step'] for row in later.evaluations[:1]]
    return TrainingLog(
        name=earlier.name,
        training=[row for row in earlier.training if row['iter'] <= start] + later.training,
        evaluations=[row for row in earlier.evaluations if row['step'] < min(begins)]
        + later.evaluations,
        by_epoch=earlier.by_epoch or later.by_epoch,
    )


def _start(training: List[Row]) -> float:
    """The iteration after which a log began: an interval before its first row."""
    if not training:
        return math.inf
    first = training[0]['iter']
    interval = training[1]['iter'] - first if len(training) > 1 else 1
    return first - max(interval, 1)


def _keys(rows: List[Row]) -> List[str]:
    found = dict.fromkeys(key for row in rows for key in row)
    return [key for key in found if key not in COUNTERS]


def _kind(key: str) -> str:
    if key in ('lr', 'base_lr') or key.endswith(('/lr', '.lr')):
        return 'lr'
    return 'loss' if 'loss' in key.lower() else 'other'


def _curve(key: str, kind: str, rows: List[Row], counter: str) -> Curve:
    points: List[Tuple[float, float]] = [
        (row[counter], row[key])
        for row in rows
        if key in row and not (key.startswith('coco/') and row[key] == NOTHING)
    ]
    return Curve(key, kind, [step for step, _ in points], [value for _, value in points])
