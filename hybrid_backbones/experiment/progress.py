"""How far the runs of a study are, read from their logs."""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple

from ..analysis.training_log.read import TrainingLog, read_log
from ..errors import ConfigError
from ..openmmlab.metrics import METRICS
from .runs import Run, resolved
from .state import TORN, WAITING, State, read_state
from .study import Study


@dataclass(frozen=True)
class Progress:
    """A run in a line.

    Args:
        run: Which.
        state: What its folder says.
        done: Epochs or iterations.
        total: Of them; 0 if nothing is trained.
        unit: What is counted.
        loss: The newest; None before the first.
        metric: Name and value of the newest evaluation's first metric.
        seconds: So far, in all starts.
    """

    run: Run
    state: State
    done: float
    total: int
    unit: str
    loss: Optional[float]
    metric: str
    seconds: float

    @property
    def cells(self) -> Tuple[str, ...]:
        """For a table: run, state, progress, loss, metric, time, and why it failed."""
        last = self.state.last
        status = self.state.status
        if status not in (WAITING, TORN) and last and not last.reason:
            status = f'{status} ({last.stage})' if status == 'running' else status
        return (
            self.run.name,
            status + (', half batch' if self.state.halved else ''),
            f'{self.done:g}/{self.total} {self.unit}' if self.total else '',
            '' if self.loss is None else f'{self.loss:.3g}',
            self.metric,
            f'{self.seconds / 60:.1f} min' if self.seconds else '',
            f'{last.kind}: {last.reason}' if last and last.reason else '',
        )


COLUMNS = ('run', 'state', 'progress', 'loss', 'metric', 'time', 'why')


def progress_of(
    study: Study, runs: Sequence[Run], extents: Dict[str, Tuple[str, int]]
) -> 'list[Progress]':
    """Of each run.

    Args:
        study: They are of.
        runs: Which.
        extents: Of rows that were looked at before; filled.
    """
    found = []
    for run in runs:
        if run.entry.name not in extents:
            extents[run.entry.name] = ('', 0) if run.entry.checkpoint else extent(study, run)
        found.append(_progress(run, *extents[run.entry.name]))
    return found


def extent(study: Study, run: Run) -> Tuple[str, int]:
    """Whether a run counts epochs or iterations, and how many it has."""
    return extent_of(resolved(study, run))


def extent_of(cfg: Any) -> Tuple[str, int]:
    """The same of a config; no unit where it does not train."""
    loop = cfg.get('train_cfg') or {}
    for unit, key in (('epochs', 'max_epochs'), ('iterations', 'max_iters')):
        if loop.get(key):
            return unit, int(loop[key])
    return '', 0


def _progress(run: Run, unit: str, total: int) -> Progress:
    state = read_state(run.folder)
    log = _log(run)
    seconds = sum(attempt.seconds for attempt in state.attempts)
    if log is None or not log.training:
        return Progress(run, state, 0, total, unit, None, '', seconds)
    row = log.training[-1]
    done = row.get('epoch', 0) if unit == 'epochs' else row['iter']
    return Progress(run, state, done, total, unit, row.get('loss'), _metric(log), seconds)


def _log(run: Run) -> Optional[TrainingLog]:
    try:
        return read_log(str(run.folder))
    except ConfigError:
        return None


def _metric(log: TrainingLog) -> str:
    newest = log.evaluations[-1] if log.evaluations else {}
    for key, (name, factor) in METRICS.items():
        if key in newest:
            return f'{name} {newest[key] * factor:.1f}'
    return ''
