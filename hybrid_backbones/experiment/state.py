"""What is known of a run between two starts: a small file in its folder, and a lock.

The lock is held by the process that runs and by its children: a training that outlives the command
that started it is waited for, never started twice.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, TextIO

from ..utils.files import write_json

FILE, LOCK = 'run.json', 'run.lock'
WAITING, RUNNING, DONE, FAILED = 'waiting', 'running', 'done', 'failed'
STOPPED = 'stopped'  # by a signal that asked for it, and saved
TORN = 'torn'  # its process is gone and has not said how it ended


@dataclass
class Attempt:
    """One start of a training or a test.

    Args:
        stage: ``'train'`` or ``'test'``.
        started: Date and time.
        seconds: How long it ran.
        status: Of its process, as a shell counts it; None: it has not ended, or nobody saw it end.
        kind: How it ended, see :mod:`hybrid_backbones.experiment.reasons`.
        reason: The same in a line.
    """

    stage: str
    started: str
    seconds: float = 0.0
    status: Optional[int] = None
    kind: str = ''
    reason: str = ''


@dataclass
class State:
    """What a run's folder says of it.

    Args:
        status: ``'waiting'``, ``'running'``, ``'done'``, ``'failed'``, ``'stopped'`` or ``'torn'``.
        stage: What comes next or runs: ``'train'`` or ``'test'``.
        slot: Its number among those that run at a time on a machine.
        halved: Trained with half the batch, since the whole one did not fit.
        attempts: All starts.
        peak_memory: Most resident bytes of the process that a CPU run had; 0 where unknown.
        about: Commit, versions, machine and weights, as they were when it was started.
    """

    status: str = WAITING
    stage: str = 'train'
    slot: int = 0
    halved: bool = False
    attempts: List[Attempt] = field(default_factory=list)
    peak_memory: int = 0
    about: Dict[str, Any] = field(default_factory=dict)

    @property
    def last(self) -> Optional[Attempt]:
        """The newest start."""
        return self.attempts[-1] if self.attempts else None


def read_state(folder: Path) -> State:
    """What the folder says; a file that is damaged counts as none."""
    try:
        content = json.loads((folder / FILE).read_text(encoding='utf-8'))
        attempts = [Attempt(**each) for each in content.pop('attempts', [])]
        state = State(attempts=attempts, **content)
    except (OSError, ValueError, TypeError, AttributeError):
        return State()
    if state.status == RUNNING and not is_locked(folder):
        state.status = TORN
    return state


def write_state(folder: Path, state: State) -> None:
    """Keep it.

    Raises:
        OutputError: The folder cannot be written to.
    """
    write_json(folder / FILE, asdict(state))


def lock(folder: Path) -> Optional[TextIO]:
    """Take a run's lock, until the file is closed in this process and in all that inherit it.

    Returns:
        None, if another process has it. Without locks (Windows) it is always had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / LOCK, 'a', encoding='utf-8')
    try:
        import fcntl
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def is_locked(folder: Path) -> bool:
    """Whether a process has the lock of a run."""
    if not (folder / LOCK).is_file():
        return False
    with suppress(OSError):
        file = lock(folder)
        if file is None:
            return True
        file.close()
    return False
