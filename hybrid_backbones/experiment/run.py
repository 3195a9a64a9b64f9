"""Running a study: what is not done yet, a few at a time, going on where it stopped."""

import time
from fnmatch import fnmatchcase
from typing import Callable, Dict, List, Sequence

from ..engine.hooks.stop import stop_requests
from ..errors import ConfigError, Stopped
from ..utils.files import check_folder
from .job import Job, take
from .runs import Run, resolved, runs_of
from .state import DONE, State, is_locked, read_state
from .study import Study

POLL = 0.5  # seconds
Report = Callable[[Sequence[Run], bool], None]  # the runs, and whether one has changed


def select(study: Study, only: str = '*') -> List[Run]:
    """The runs of a study whose names match.

    Args:
        study: Of all.
        only: A name such as ``ROW/seed_0``, with the wildcards of file names.

    Raises:
        ConfigError: There are none.
    """
    every = runs_of(study)
    found = [run for run in every if run.name == only or fnmatchcase(run.name, only)]
    if not found:
        names = ', '.join(run.name for run in every[:3])
        raise ConfigError(f'`only={only}`: no run is called so; names are such as {names}')
    return found


def run_study(
    study: Study, only: str = '*', report: Report = lambda runs, changed: None
) -> Dict[str, State]:
    """Train and test what is not done yet.

    Args:
        study: What.
        only: See :func:`select`.
        report: Called again and again while runs are under way.

    Returns:
        The state of each run, by its name.

    Raises:
        ConfigError: A config cannot be read, before anything is started.
        OutputError: The study's folder cannot be written to.
        Stopped: A signal asked for it; trainings have saved.
    """
    runs = select(study, only)
    check_folder(study.out)
    check_configs(study, runs)
    pending = [run for run in runs if read_state(run.folder).status != DONE]
    active: List[Job] = []
    with stop_requests() as request:
        while (pending and not request.signum) or active:
            changed = _advance(study, pending if not request.signum else [], active)
            if request.signum:
                for job in active:
                    job.stop()
            report(runs, changed)
            if active or pending:
                time.sleep(POLL)
    report(runs, True)
    if request.signum:
        raise Stopped(f'stopped; the same command goes on: {study.out}', request.signum)
    return {run.name: read_state(run.folder) for run in runs}


def check_configs(study: Study, runs: Sequence[Run]) -> None:
    """See that the config of every row can be read, with its settings.

    Raises:
        ConfigError: One cannot; names the row.
    """
    for run in {run.entry.name: run for run in runs}.values():
        try:
            resolved(study, run)
        except ConfigError as error:
            raise ConfigError(f'{run.entry.name}: {error}') from None


def _advance(study: Study, pending: List[Run], active: List[Job]) -> bool:
    """Start what there is room for, and look at what runs; whether anything has changed."""
    changed = False
    for job in list(active):
        before = len(job.state.attempts), job.state.status
        if job.is_over():
            active.remove(job)
        changed |= before != (len(job.state.attempts), job.state.status)
    # by processes that outlived their command; they are waited for, and take up room
    elsewhere = [run for run in pending if is_locked(run.folder)]
    for run in [run for run in pending if run not in elsewhere]:
        busy = {job.slot for job in active} | {read_state(run.folder).slot for run in elsewhere}
        free = [slot for slot in range(study.jobs) if slot not in busy]
        if not free:
            break
        pending.remove(run)
        if read_state(run.folder).status == DONE:
            continue
        job_or_none = take(study, run, free[0])
        if job_or_none is None:
            pending.append(run)
            continue
        job_or_none.start()
        active.append(job_or_none)
        changed = True
    return changed
