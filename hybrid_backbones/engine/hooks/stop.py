"""Ending a training from outside, with nothing lost."""

import os
import signal
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any, Dict, Iterator, Optional

import torch
from mmengine.dist import is_distributed
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...errors import Stopped
from .checkpoint import CheckpointHook

SIGNALS = tuple(
    getattr(signal, name)
    for name in ('SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGHUP')  # the last: a terminal that is lost
    if hasattr(signal, name)
)
# torchrun and Slurm may both pass on one request
SAME_REQUEST = 1.0  # seconds


class StopRequest:
    """What has been asked of this process.

    Args:
        signum: The signal's number; 0: nothing yet.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._process = os.getpid()
        self._since = 0.0

    def __call__(self, signum: int, frame: Optional[FrameType]) -> None:
        if os.getpid() != self._process:
            return  # a data loader's worker: it ends with this process
        again = signum == signal.SIGINT or time.monotonic() - self._since > SAME_REQUEST
        if self.signum and again:
            os._exit(128 + signum)
        if not self.signum:
            self.signum, self._since = signum, time.monotonic()


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """While entered, SIGTERM, SIGINT, SIGUSR1 and SIGHUP are noted; a second one ends the process.

    What is ignored stays so, as nohup has it. In a thread that is not the main one, signals are
    left as they are.
    """
    request = StopRequest()
    before = {}
    try:
        for signum in SIGNALS:
            if signal.getsignal(signum) == signal.SIG_IGN:  # nohup's
                continue
            before[signum] = signal.signal(signum, request)
    except ValueError:  # not the main thread
        pass
    try:
        yield request
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class StopHook(Hook):
    """Saves and leaves after the iteration in which a stop was asked for, in all processes.

    Args:
        request: What has been asked of this process.
    """

    priority = 'VERY_LOW'

    def __init__(self, request: StopRequest):
        self._request = request
        self._group: Any = None

    def before_train(self, runner: Runner) -> None:
        """Processes agree on the CPU: the GPU is not waited for."""
        if is_distributed():
            self._group = torch.distributed.new_group(backend='gloo')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Dict[str, Any]] = None,
    ) -> None:
        """Save and leave if any process was asked to.

        Raises:
            Stopped: It was.
        """
        signum = self._asked()
        if signum:
            path = _save(runner)
            name = signal.Signals(signum).name
            raise Stopped(
                f'stopped by {name} after iteration {runner.iter + 1}; saved {path}; the same '
                'command with `resume=True` goes on',
                signum,
            )

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Leave a validation, if what it validates has been saved.

        Raises:
            Stopped: It has, and a stop was asked for.
        """
        hook = _checkpoint_hook(runner)
        if hook is None or hook.saved_iter != runner.iter:
            return
        signum = self._asked()
        if signum:
            raise Stopped(
                f'stopped by {signal.Signals(signum).name} in the validation after iteration '
                f'{runner.iter}, which is saved: {hook.last_ckpt}; the same command with '
                '`resume=True` goes on',
                signum,
            )

    def _asked(self) -> int:
        if self._group is None:
            return self._request.signum
        asked = torch.tensor(self._request.signum)
        torch.distributed.all_reduce(asked, torch.distributed.ReduceOp.MAX, group=self._group)
        return int(asked)


def _save(runner: Runner) -> str:
    hook = _checkpoint_hook(runner)
    if hook is None:
        return 'nothing: the config has no CheckpointHook'
    return str(hook.save_stopped(runner))


def _checkpoint_hook(runner: Runner) -> Optional[CheckpointHook]:
    return next((each for each in runner.hooks if isinstance(each, CheckpointHook)), None)
