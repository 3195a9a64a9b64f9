"""Arguments and output that several actions share."""

import argparse
from typing import TYPE_CHECKING, Any

from ..arguments import positive

if TYPE_CHECKING:
    from ...experiment.check import Checked
    from ...experiment.gather import Results

LAUNCHERS = ('local', 'torchrun', 'slurm')


def add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('study', metavar='STUDY.yml', help='as `experiment plan` wrote it')


def add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'study', metavar='STUDY', help='STUDY.yml, or a JSON that `experiment gather` wrote'
    )
    parser.add_argument(
        '--also',
        nargs='+',
        metavar='DIR',
        help='with STUDY.yml: work directories that other tools of mmengine wrote, too',
    )


def add_launch(parser: argparse.ArgumentParser, override: bool) -> None:
    """How runs are started."""
    instead = ", in place of the study's" if override else ''
    parser.add_argument(
        '--launcher', choices=LAUNCHERS, help=f'what starts the processes of a run{instead}'
    )
    parser.add_argument(
        '--gpus', type=positive, metavar='N', help=f'processes of a run, one a GPU{instead}'
    )
    parser.add_argument(
        '--jobs', type=positive, metavar='N', help=f'runs at a time on this machine{instead}'
    )


def add_steps(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--steps',
        type=_steps,
        default=5,
        metavar='N',
        help='training steps of each row that are measured for the hours; 0: none; default: 5',
    )


def _steps(text: str) -> int:
    return 0 if text == '0' else positive(text)


def read(args: argparse.Namespace) -> Any:
    """The study, with the launcher that the command line names."""
    from ...experiment.study import complete, read_study

    study = read_study(args.study)
    for name in ('launcher', 'gpus', 'jobs'):
        value = getattr(args, name, None)
        if value is not None:
            setattr(study, name, value)
    return complete(study, study.name, args.study)


def results_of(args: argparse.Namespace) -> 'Results':
    """What was gathered: read from a JSON, or gathered now and kept."""
    from pathlib import Path

    from ...errors import ConfigError
    from ...experiment.gather import RESULTS, gather, read_results, write_results

    if args.study.endswith('.json'):
        if args.also:
            raise ConfigError('`also` needs STUDY.yml: a JSON has been gathered already')
        return read_results(Path(args.study))
    study = read(args)
    found = gather(study, args.also or ())
    write_results(found, Path(study.out) / RESULTS)
    return found


def print_checked(checked: 'Checked', problems: bool = True) -> None:
    """Estimates, problems and notes."""
    from ...experiment.check import HEAD, rows_of
    from ...utils.text import aligned_columns

    rows = rows_of(checked)
    if rows:
        print(aligned_columns([HEAD, *rows], 'lrrrrr'))
    hours = '?' if checked.hours is None else f'{checked.hours:.2f}'
    print(
        f'{checked.runs} runs, {checked.left} not done; {hours} hours of training steps in all, '
        'evaluations come on top'
    )
    for line in checked.notes:
        print(f'note: {line}')
    for line in checked.problems if problems else ():
        print(f'problem: {line}')
