"""What the runs of a row will take: memory by arithmetic, hours from a few measured steps."""

import json
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Optional

import torch

from ..analysis.training_log.read import read_log
from ..analysis.training_memory.estimate import AVERAGES, training_memory
from ..complexity.model import model_cost
from ..config.data import as_list
from ..data_check import check_files
from ..errors import ConfigError
from ..utils.files import write_json
from ..utils.versions import machine
from .launch import local
from .progress import extent_of
from .reasons import how_it_ended, shell_status
from .runs import Run, resolved, train_arguments
from .study import Study

FILE = 'estimates.json'  # in the study's folder
STEPS = 5
WARM_UP = 2  # steps before those that are measured
PATIENCE = 600  # seconds that a measurement may take
# every step is logged by itself
LOG_ALL = {'default_hooks.logger.interval': 1, 'log_processor.window_size': 1}


@dataclass(frozen=True)
class Estimate:
    """Of one run of a row.

    Args:
        seconds: Of a step of one process on this machine; None if not measured.
        steps: Of the whole training; None if the data is not here to be counted.
        memory: Bytes that a step keeps, see :mod:`hybrid_backbones.analysis.training_memory`; None
            for models of others, and for synthetic data.
        disk: Bytes of the checkpoints that stay.
        machine: That was measured on.
        note: Why something is None.
    """

    seconds: Optional[float] = None
    steps: Optional[int] = None
    memory: Optional[int] = None
    disk: int = 0
    machine: str = ''
    note: str = ''

    @property
    def hours(self) -> Optional[float]:
        """Of the training steps; evaluations come on top."""
        known = self.seconds is not None and self.steps is not None
        return self.seconds * self.steps / 3600 if known else None  # type: ignore[operator]


def estimate(study: Study, run: Run, steps: int = STEPS) -> Estimate:
    """What a run will take.

    Args:
        study: It is of.
        run: One of its row.
        steps: How many are measured, after two; 0: none.

    Raises:
        ConfigError: The config cannot be read.
    """
    cfg = resolved(study, run)
    found = Estimate(steps=_steps(study, cfg), memory=_memory(study, cfg), disk=_disk(cfg))
    if not steps:
        return found
    try:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        seconds = measure_steps(study, run, steps)
        return replace(found, seconds=seconds, machine=machine(device))
    except ConfigError as error:
        return replace(found, note=f'not measured: {error}')


def measure_steps(study: Study, run: Run, steps: int) -> float:
    """Median seconds of some steps of the same training, in one process, that is then ended.

    Raises:
        ConfigError: The training did not get so far; says why.
    """
    wanted = steps + WARM_UP
    Path(study.out).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix='.measured-', dir=study.out) as folder:
        trial = replace(run, folder=Path(folder), options={**run.options, **LOG_ALL})
        output = Path(folder) / 'output.log'
        with open(output, 'wb') as file:
            process = subprocess.Popen(
                local.command(train_arguments(study, trial, local.NAME, False)),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            try:
                times = _wait_for_steps(process, folder, wanted)
            finally:
                _end(process)
        if len(times) < wanted:
            status = shell_status(process.returncode)
            words = output.read_text(encoding='utf-8', errors='replace')
            kind, reason = how_it_ended(status, words)
            raise ConfigError(f'{kind}: {reason}' if reason else f'only {len(times)} steps')
    return float(torch.tensor(times[WARM_UP:wanted]).median())


def _wait_for_steps(process: Any, folder: str, wanted: int) -> 'list[float]':
    times: list[float] = []
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended = process.poll() is not None
        with suppress(ConfigError):  # nothing has been logged yet
            times = [row['time'] for row in read_log(folder).training if 'time' in row]
        if ended or len(times) >= wanted:
            break
        time.sleep(0.2)
    return times


def _end(process: 'subprocess.Popen[bytes]') -> None:
    """Nothing of it is to be kept."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _steps(study: Study, cfg: Any) -> Optional[int]:
    unit, total = extent_of(cfg)
    if unit != 'epochs':
        return total or None
    images = 0
    with suppress(ConfigError, ImportError, OSError):
        report = check_files(cfg, ('train_dataloader',), images=False)
        images = report.counts.get('images of train_dataloader', 0)
    batch = (cfg.get('train_dataloader') or {}).get('batch_size') or 1
    return -(-images // (batch * study.gpus)) * total if images else None


def _memory(study: Study, cfg: Any) -> Optional[int]:
    if study.mini:
        return None
    batch = (cfg.get('train_dataloader') or {}).get('batch_size') or 1
    try:
        return training_memory(cfg, batch=batch, precision='bf16' if study.amp else 'fp32').total
    except ConfigError:  # a model of others
        return None


def _disk(cfg: Any) -> int:
    """Weights and the optimizer's averages, of as many checkpoints as are kept."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    _, total = extent_of(cfg)
    saved = max(total // max(int(hook.get('interval') or 1), 1), 1)
    kept = int(hook.get('max_keep_ckpts') or -1)
    count = (min(kept, saved) if kept > 0 else saved) + len(as_list(hook.get('save_best')))
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer') or {}
    try:
        params = model_cost(cfg).params
    except Exception:  # a model of others may need real numbers
        return 0
    return count * params * 4 * (1 + AVERAGES.get(str(optimizer.get('type')), 2))


def read_estimates(study: Study) -> Dict[str, Estimate]:
    """Of rows that were looked at before, by name; none if the file is not there or damaged."""
    try:
        content = json.loads((Path(study.out) / FILE).read_text(encoding='utf-8'))
        return {name: Estimate(**each) for name, each in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_estimates(study: Study, found: Dict[str, Estimate]) -> None:
    """Keep them.

    Raises:
        OutputError: The study's folder cannot be written to.
    """
    write_json(Path(study.out) / FILE, {name: asdict(each) for name, each in found.items()})
