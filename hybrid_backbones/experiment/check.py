"""Looking at a study before anything is spent: data, weights, launcher, disk, memory, hours."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

import torch

from ..analysis.training_memory.estimate import GIB, USABLE
from ..config.data import DATALOADERS
from ..engine.data import check_data_quickly
from ..engine.prepare import prepare
from ..errors import CheckpointError, ConfigError, one_line
from ..openmmlab.check_classes import check_classes
from ..openmmlab.check_metrics import check_metrics
from ..utils.packages import how_to_install
from ..weights.download import cached, cached_copy, is_page
from .about import starts_from
from .estimate import STEPS, Estimate, estimate, read_estimates, write_estimates
from .job import published_or
from .run import select
from .runs import Run, resolved, runs_of
from .state import DONE, read_state
from .study import Study

PROGRAMS = dict(slurm=('sbatch', 'srun', 'scontrol'))  # that a launcher needs
Track = Callable[[Sequence[Run]], Iterable[Run]]


@dataclass
class Checked:
    """What was found.

    Args:
        estimates: Of one run of each row that is trained, by the row's name.
        problems: What would end a run: one line each.
        notes: What is worth knowing.
        runs: How many there are.
        left: How many are not done yet.
        hours: Of all that is left, evaluations apart; None if a row is not known.
    """

    estimates: Dict[str, Estimate] = field(default_factory=dict)
    problems: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    runs: int = 0
    left: int = 0
    hours: Optional[float] = None


def check(study: Study, *, steps: int = STEPS, fresh: bool = False, track: Track = iter) -> Checked:
    """Look at every row of a study.

    Args:
        study: What is to be run.
        steps: How many steps of each row are measured; 0: none.
        fresh: Measure rows that were measured before once more.
        track: Wraps the sequence of rows, to show progress.

    Raises:
        ConfigError: A config cannot be read.
    """
    runs = runs_of(study)
    firsts = list({run.entry.name: run for run in select(study)[::-1]}.values())[::-1]
    checked = Checked(runs=len(runs), problems=list(_programs(study)))
    known = {} if fresh else read_estimates(study)
    for run in track(firsts):
        found = [f'{run.entry.name}: {line}' for line in _problems(study, run)]
        checked.problems += found
        if not run.entry.checkpoint:
            usable = known.get(run.entry.name)
            if usable is None or (steps and usable.seconds is None):
                usable = estimate(study, run, 0 if found else steps)
            checked.estimates[run.entry.name] = usable
    write_estimates(study, checked.estimates)
    left = [run for run in runs if read_state(run.folder).status != DONE]
    checked.left = len(left)
    checked.hours = _hours(study, left, checked.estimates)
    checked.problems += _room(study, left, checked.estimates)
    checked.problems += _cards(study, checked.estimates)
    checked.notes += _notes(study, checked)
    return checked


def _problems(study: Study, run: Run) -> Iterator[str]:
    """What would end a run before or after its first step."""
    yield from _of_config_and_data(study, run)
    if run.entry.checkpoint:
        try:
            published_or(run.entry.checkpoint, run.entry.config)
        except CheckpointError as error:
            yield one_line(error)
    else:
        yield from filter(None, map(_weights, starts_from(resolved(study, run))))


def _of_config_and_data(study: Study, run: Run) -> Iterator[str]:
    trained = not run.entry.checkpoint
    parts = DATALOADERS if trained else ('test_dataloader',)
    try:
        cfg = prepare(
            run.entry.config,
            data_of=parts,
            mini=study.mini,
            all_classes=study.mini and not trained,
            data_root=study.data_root,
            cfg_options=run.options,
        )
        check_classes(cfg, parts)
        check_metrics(cfg)
        if not study.mini:
            check_data_quickly(cfg, parts)
    except ConfigError as error:
        yield one_line(error)
    except ImportError as error:
        yield f'needs {how_to_install(error) or error}'


def _weights(named: str) -> str:
    """What is wrong with a file of weights; empty if nothing is."""
    if '://' in named:
        here = cached_copy(named).is_file()
        return f'{named} is a page: open it in a browser' if is_page(named) and not here else ''
    if Path(named).is_file() or cached(Path(named).name).is_file():
        return ''
    return f'no weights {named}: save them there, or set model.backbone.init_cfg=None'


def _programs(study: Study) -> Iterator[str]:
    for program in PROGRAMS.get(study.launcher, ()):
        if shutil.which(program) is None:
            yield f'launcher {study.launcher} needs {program}, which is not on PATH here'


def _hours(study: Study, left: Sequence[Run], found: Dict[str, Estimate]) -> Optional[float]:
    hours = [found[run.entry.name].hours for run in left if not run.entry.checkpoint]
    if any(each is None for each in hours):
        return None
    return sum(each for each in hours if each is not None)


def _room(study: Study, left: Sequence[Run], found: Dict[str, Estimate]) -> Iterator[str]:
    needed = sum(found[run.entry.name].disk for run in left if not run.entry.checkpoint)
    folder = next(
        path
        for path in (Path(study.out).resolve(), *Path(study.out).resolve().parents)
        if path.is_dir()
    )
    free = shutil.disk_usage(folder).free
    if needed > free:
        yield (
            f'the checkpoints take {needed / GIB:.0f} GiB and {folder} has {free / GIB:.0f} GiB: '
            'make room, or set default_hooks.checkpoint.max_keep_ckpts'
        )


def _cards(study: Study, found: Dict[str, Estimate]) -> Iterator[str]:
    if not torch.cuda.is_available():
        return
    card = min(
        torch.cuda.get_device_properties(i).total_memory for i in range(torch.cuda.device_count())
    )
    if study.launcher != 'slurm' and study.gpus * study.jobs > torch.cuda.device_count():
        yield f'{study.jobs} runs of {study.gpus} GPUs, and torch sees {torch.cuda.device_count()}'
    for name, each in found.items():
        if each.memory is not None and each.memory > card * USABLE:
            yield (
                f'{name}: a step keeps {each.memory / GIB:.1f} GiB, and the card has '
                f'{card / GIB:.1f} GiB: set train_dataloader.batch_size, or '
                'model.backbone.with_cp=True'
            )


def _notes(study: Study, checked: Checked) -> Iterator[str]:
    for name, each in checked.estimates.items():
        if each.note:
            yield f'{name}: {each.note}'
    if not torch.cuda.is_available():
        yield 'torch sees no GPU here: hours are those of this CPU, memory is not compared'
    elif study.gpus > 1:
        yield 'hours are from the steps of one GPU; what several wait for each other comes on top'
    if len(study.seeds) < 2:
        yield 'one seed: no difference can be told from noise; with three there is a verdict'


def rows_of(checked: Checked) -> List[Any]:
    """The estimates as cells of a table, below :data:`HEAD`."""
    return [[name, *_cells(each)] for name, each in checked.estimates.items()]


HEAD = ('row', 's/step', 'steps', 'hours/run', 'GiB/step', 'GiB on disk')


def _cells(each: Estimate) -> List[str]:
    return [
        '?' if each.seconds is None else f'{each.seconds:.3f}',
        '?' if each.steps is None else str(each.steps),
        '?' if each.hours is None else f'{each.hours:.2f}',
        '?' if each.memory is None else f'{each.memory / GIB:.1f}',
        f'{each.disk / GIB:.2f}',
    ]
