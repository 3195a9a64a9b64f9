"""``hybrid-backbones experiment run``."""

import argparse
import shlex
import sys
import time
from typing import Any, Callable, Dict, List, Sequence, Tuple

from .common import add_launch, add_study, read

REFRESH = 5.0  # seconds between two looks at the logs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument(
        '--only', default='*', metavar='RUN', help="runs by name, as in 'ROW/seed_0' or '*/seed_0'"
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='print the commands, and do nothing else'
    )
    add_launch(parser, override=True)
    # of a task of Slurm's array: this is the job, nothing is submitted
    parser.add_argument('--in-job', action='store_true', help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    study = read(args)
    if args.dry_run:
        _print_commands(study, args)
        return 0
    if study.launcher == 'slurm' and not args.in_job:
        return _submit(study, args)
    return _run(study, args.only)


def _run(study: Any, only: str) -> int:
    from ...errors import Stopped
    from ...experiment.run import run_study
    from ...experiment.state import DONE

    table = _LiveTable(study)
    try:
        with table:
            states = run_study(study, only, table.report)
    except Stopped as stopped:
        print(f'hybrid-backbones experiment run: {stopped}', file=sys.stderr)
        return 128 + stopped.signum
    failed = {name: state for name, state in states.items() if state.status != DONE}
    for name, state in failed.items():
        why = f'{state.last.kind}: {state.last.reason}' if state.last else state.status
        print(f'{name}: {why}; see {study.out}/{name}/output.log', file=sys.stderr)
    print(f'{len(states) - len(failed)} of {len(states)} runs are done, in {study.out}')
    return _status(list(failed.values()))


def _status(failed: Sequence[Any]) -> int:
    """Of a job that was told to save, 128 + N: it is queued again."""
    from ...experiment.state import STOPPED

    stopped = [each.last.status for each in failed if each.status == STOPPED and each.last]
    return max(stopped, default=1 if failed else 0)


def _submit(study: Any, args: argparse.Namespace) -> int:
    from ...experiment.launch.slurm import submit
    from ...experiment.run import check_configs, select

    runs = select(study, args.only)
    names = _not_done(runs)
    if not names:
        print(f'all {len(runs)} runs are done, in {study.out}')
        return 0
    check_configs(study, runs)
    job = submit(study, args.study, names)
    print(f'submitted job {job}: {len(names)} runs, in {study.out}; squeue --jobs {job}')
    return 0


def _not_done(runs: Sequence[Any]) -> List[str]:
    from ...experiment.state import DONE, read_state

    return [run.name for run in runs if read_state(run.folder).status != DONE]


def _print_commands(study: Any, args: argparse.Namespace) -> None:
    from pathlib import Path

    from ...experiment.launch.slurm import script
    from ...experiment.launch.start import command_of, launcher_name
    from ...experiment.run import select
    from ...experiment.runs import test_arguments, train_arguments
    from ...experiment.state import read_state

    runs = select(study, args.only)
    if study.launcher == 'slurm' and _not_done(runs):
        print(script(study, args.study, _not_done(runs), Path.cwd()))
    launcher = launcher_name(study)
    for run in runs:
        state = read_state(run.folder)
        print(f'# {run.name}: {state.status}')
        tested = _tested(run)
        lines = [test_arguments(study, run, tested, launcher)]
        if not run.entry.checkpoint:
            lines.insert(0, train_arguments(study, run, launcher, state.halved))
        for words in lines:
            text = shlex.join(command_of(study, words))
            print(text.replace(shlex.quote(tested), tested))


def _tested(run: Any) -> str:
    """The checkpoint that a run tests: of a training not there yet, the shell is to look."""
    from ...errors import CheckpointError
    from ...experiment.job import published_or

    named = run.entry.checkpoint
    if not named:
        return f'$(cat {shlex.quote(str(run.folder))}/last_checkpoint)'
    try:
        return published_or(named, run.entry.config)
    except CheckpointError:  # it has not been fetched yet
        return str(named)


class _LiveTable:
    """Progress: on a terminal a table that is drawn anew, elsewhere a line for each change."""

    def __init__(self, study: Any):
        from rich.console import Console
        from rich.live import Live

        self._study = study
        console = Console()
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._extents: Dict[str, Tuple[str, int]] = {}
        self._said: Dict[str, str] = {}
        self._looked = 0.0

    def __enter__(self) -> '_LiveTable':
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def report(self, runs: Sequence[Any], changed: bool) -> None:
        """Show how far the runs are."""
        from ...experiment.progress import progress_of

        if not changed and (not self._live or time.monotonic() - self._looked < REFRESH):
            return
        self._looked = time.monotonic()
        rows = [each.cells for each in progress_of(self._study, runs, self._extents)]
        show: Callable[[List[Tuple[str, ...]]], None] = self._draw if self._live else self._print
        show(rows)

    def _draw(self, rows: List[Tuple[str, ...]]) -> None:
        from rich.table import Table

        from ...experiment.progress import COLUMNS

        table = Table(*COLUMNS, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        assert self._live is not None
        self._live.update(table, refresh=True)

    def _print(self, rows: List[Tuple[str, ...]]) -> None:
        for name, status, *more in rows:
            if self._said.setdefault(name, 'waiting') != status:
                print('  '.join(filter(None, [name, status, *more])), flush=True)
                self._said[name] = status
