"""The process of a run: starting it, waiting for it, and what its end means for the run."""

import os
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, Optional, TextIO

import torch

from ..engine.resume import POINTER
from ..errors import CheckpointError, ConfigError, one_line
from ..utils.memory import peak_memory_of
from ..zoo.model_files import find_model_file
from .about import about, weights
from .launch.start import command_of, launcher_name
from .reasons import KILLED, OUT_OF_MEMORY, REFUSED, STOPPED, TAIL, how_it_ended, shell_status
from .runs import Run, half_batch, resolved, test_arguments, train_arguments
from .state import DONE, FAILED, FILE, LOCK, RUNNING, Attempt, lock, read_state, write_state
from .state import STOPPED as SAVED
from .study import PUBLISHED, Study

OUTPUT = 'output.log'  # what the processes of a run print
BEFORE = 'whole_batch'  # folder of what was trained before the batch was halved


class Job:
    """A run that is under way; it has the run's lock.

    Args:
        study: It is of.
        run: Which.
        slot: Its number among those that run at a time, which says which GPUs it gets.
        held: The lock.
    """

    def __init__(self, study: Study, run: Run, slot: int, held: TextIO):
        self.study, self.run, self.slot = study, run, slot
        self.state = read_state(run.folder)
        self.state.slot = slot
        self._held = held
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._offset, self._began, self._stopping = 0, 0.0, False
        if run.entry.checkpoint:
            self.state.stage = 'test'

    def start(self) -> None:
        """Start what comes next; a run that cannot be started has failed."""
        attempt = Attempt(self.state.stage, datetime.now().isoformat(timespec='seconds'))
        self.state.attempts.append(attempt)
        self.state.status = RUNNING
        try:
            self.state.about = self._about()
            arguments = self._arguments()
        except (ConfigError, CheckpointError) as error:
            self._end(attempt, 2, REFUSED, one_line(error))
            return
        write_state(self.run.folder, self.state)
        try:
            self._process = self._popen(arguments)
        except OSError as error:
            self._end(attempt, 127, REFUSED, f'{error.filename}: {error.strerror}')

    def _popen(self, arguments: List[str]) -> 'subprocess.Popen[bytes]':
        with open(self.run.folder / OUTPUT, 'ab') as output:
            self._offset, self._began = output.tell(), time.monotonic()
            return subprocess.Popen(
                command_of(self.study, arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,  # a Ctrl-C is for the command, which passes it on
                pass_fds=() if os.name == 'nt' else (self._held.fileno(),),
            )

    def stop(self) -> None:
        """Ask the training to save and leave; once, since it takes a second time for haste."""
        if self._process is not None and not self._stopping:
            self._process.terminate()
        self._stopping = True

    def is_over(self) -> bool:
        """Whether there is nothing left to do; starts what comes next."""
        if self._process is None:
            self._close()
            return True
        self._watch_memory()
        returncode = self._process.poll()
        if returncode is None:
            return False
        self._process = None
        self._ended(shell_status(returncode))
        if self._process is None:
            self._close()
        return self._process is None

    def _ended(self, status: int) -> None:
        attempt = self.state.attempts[-1]
        attempt.seconds = round(time.monotonic() - self._began, 1)
        kind, reason = how_it_ended(status, self._printed())
        if self._stopping and kind == KILLED:  # a test, which has nothing to save
            kind, reason = STOPPED, 'with its study'
        trained = status == 0 and attempt.stage == 'train'
        if trained:
            self.state.stage = 'test'
        self._end(attempt, status, kind, reason)
        if trained and not self._stopping:
            self.start()
        elif kind == OUT_OF_MEMORY and self._may_halve():
            self._halve(attempt)

    def _end(self, attempt: Attempt, status: int, kind: str, reason: str) -> None:
        attempt.status, attempt.kind, attempt.reason = status, kind, reason
        self.state.status = SAVED if kind == STOPPED else FAILED
        if status == 0:
            self.state.status = DONE if attempt.stage == 'test' else SAVED
        if status == 0:
            self.state.about['weights'] = [
                weights(each['file']) for each in self.state.about.get('weights', [])
            ]
        write_state(self.run.folder, self.state)

    def _may_halve(self) -> bool:
        trained = self.state.stage == 'train' and not self.run.entry.checkpoint
        return self.study.halve_batch and trained and not self.state.halved

    def _halve(self, attempt: Attempt) -> None:
        """Begin anew with half the batch; what there was is moved aside."""
        try:
            half_batch(self.study, self.run)
        except ConfigError as error:
            attempt.reason += f'; {one_line(error)}'
            write_state(self.run.folder, self.state)
            return
        before = self.run.folder / BEFORE
        before.mkdir(exist_ok=True)
        for path in list(self.run.folder.iterdir()):
            if path.name not in (FILE, LOCK, OUTPUT, BEFORE):
                shutil.move(str(path), str(before / path.name))
        self.state.halved = True
        self.start()

    def _arguments(self) -> List[str]:
        launcher = launcher_name(self.study)
        if self.state.stage == 'train':
            return train_arguments(self.study, self.run, launcher, self.state.halved)
        return test_arguments(self.study, self.run, self._checkpoint(), launcher)

    def _checkpoint(self) -> str:
        named = self.run.entry.checkpoint
        if named:
            return published_or(named, self.run.entry.config)
        try:
            return (self.run.folder / POINTER).read_text(encoding='utf-8').strip()
        except OSError:
            raise CheckpointError(f'{self.run.folder} has no checkpoint to test') from None

    def _about(self) -> Dict[str, Any]:
        tested = self._checkpoint() if self.run.entry.checkpoint else None
        found = dict(about(resolved(self.study, self.run), tested), gpus=self.study.gpus)
        before = self.state.about
        earlier = list(before.get('earlier_versions', []))
        if before and before.get('versions') != found['versions']:
            earlier.append(before.get('versions', {}))
        return dict(found, earlier_versions=earlier)

    def _environment(self) -> Dict[str, str]:
        extra = {}
        if self.study.jobs > 1:
            cores = max((os.cpu_count() or 1) // (self.study.jobs * self.study.gpus), 1)
            extra['OMP_NUM_THREADS'] = os.environ.get('OMP_NUM_THREADS', str(cores))
            gpus = _visible_gpus()
            first = self.slot * self.study.gpus
            if gpus:
                extra['CUDA_VISIBLE_DEVICES'] = ','.join(gpus[first : first + self.study.gpus])
        return {**os.environ, **extra}

    def _watch_memory(self) -> None:
        if self._process is not None and self.study.launcher == 'local':
            seen = peak_memory_of(self._process.pid)
            self.state.peak_memory = max(self.state.peak_memory, seen)

    def _printed(self) -> str:
        with open(self.run.folder / OUTPUT, 'rb') as output:
            size = output.seek(0, os.SEEK_END)
            output.seek(max(self._offset, size - TAIL))
            return output.read().decode(errors='replace')

    def _close(self) -> None:
        self._held.close()


def published_or(named: str, config: str) -> str:
    """The checkpoint that a row names: a file, or what the authors published for its config.

    Raises:
        CheckpointError: It is not here.
    """
    path = find_model_file(config) if named == PUBLISHED else named
    if not Path(path).is_file():
        raise CheckpointError(f'{config}: no checkpoint file {path}: fetch it and name it')
    return path


def take(study: Study, run: Run, slot: int) -> Optional[Job]:
    """A job for a run, None if another process has the run."""
    held = lock(run.folder)
    return None if held is None else Job(study, run, slot, held)


def _visible_gpus() -> List[str]:
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [each for each in named.split(',') if each]
    return [str(i) for i in range(torch.cuda.device_count())]
