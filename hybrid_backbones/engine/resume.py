"""Which checkpoint a training goes on from."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ..errors import CheckpointError, one_line
from ..weights.open_file import open_file
from ..weights.tensors import find_invalid

BEST = 'best_'  # begins the names of CheckpointHook's best ones, which have no optimizer
POINTER = 'last_checkpoint'  # names the newest; a hint, since it may be older than a kill
USUAL_NAME = re.compile(r'(epoch|iter|stopped_iter)_\d+\.pth')  # CheckpointHook has a template


@dataclass(frozen=True)
class TrainingState:
    """A checkpoint that a training can go on from.

    Args:
        path: The file.
        content: All that it holds.
        passed_over: Newer or damaged files, each with the reason.
    """

    path: Path
    content: Dict[str, Any]
    passed_over: List[str] = field(default_factory=list)

    @property
    def iteration(self) -> int:
        """How many iterations it has seen."""
        return int(self.content['meta']['iter'])


def read_training_state(path: Path, allow_non_finite: bool = False) -> TrainingState:
    """Read a checkpoint to go on from.

    Args:
        path: The file, as training wrote it.
        allow_non_finite: Also take weights that are infinite or not a number.

    Raises:
        CheckpointError: It is damaged, holds what could run code, has no optimizer or iteration to
            go on with, or was saved after the training had failed.
    """
    content = open_file(path)
    _check_parts(path, content)
    invalid = [] if allow_non_finite else _invalid(content)
    if invalid:
        raise CheckpointError(
            f'{path} was saved after the training had failed: {len(invalid)} tensors are not '
            f'finite, or variances below zero, the first is {invalid[0]}'
        )
    return TrainingState(path, content)


def _invalid(content: Dict[str, Any]) -> List[str]:
    """Of the weights, of their averages, and of what the optimizer goes by."""
    found = [
        *find_invalid(content['state_dict']),
        *find_invalid(content.get('ema_state_dict') or {}),
    ]
    states = content['optimizer'].get('state') or {}
    for number, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            named = {
                f'{key} of weight {number} in the optimizer': each for key, each in state.items()
            }
            found += find_invalid(named)
    return found


def find_training_state(work_dir: str, allow_non_finite: bool = False) -> Optional[TrainingState]:
    """The newest checkpoint of a work directory that is whole.

    Args:
        work_dir: Of the training; what its file ``last_checkpoint`` names counts too.
        allow_non_finite: Also take weights that are infinite or not a number.

    Returns:
        None, if there is no checkpoint at all.

    Raises:
        CheckpointError: There are checkpoints, and none that can be gone on from.
    """
    candidates, passed_over = _candidates(Path(work_dir))
    for path in candidates:
        try:
            found = read_training_state(path, allow_non_finite)
        except CheckpointError as error:
            passed_over.append(one_line(error))
        else:
            return TrainingState(path, found.content, passed_over)
    if not passed_over:
        return None
    raise CheckpointError(
        f'no checkpoint in {work_dir} can be resumed from: {"; ".join(passed_over)}'
    )


def _candidates(folder: Path) -> Tuple[List[Path], List[str]]:
    """Those that look whole, the newest first; and what is wrong with the others."""
    paths = _checkpoints(folder)
    named = _named(folder)
    if named and not paths:  # kept elsewhere, by CheckpointHook's out_dir
        paths = _checkpoints(named.parent) or [named]
    iterations, passed_over = {}, []
    for path in paths:
        try:
            content = open_file(path, briefly=True)
        except CheckpointError as error:
            passed_over.append(one_line(error))
            continue
        try:
            _check_parts(path, content)
            iterations[path] = content['meta']['iter']
        except CheckpointError as error:
            if USUAL_NAME.fullmatch(path.name):  # others may be weights of any kind
                passed_over.append(one_line(error))
    return sorted(iterations, key=lambda path: -iterations[path]), passed_over


def _checkpoints(folder: Path) -> List[Path]:
    """None that is still being written, which begins with a point."""
    return [path for path in sorted(folder.glob('*.pth')) if not path.name.startswith((BEST, '.'))]


def _named(folder: Path) -> Optional[Path]:
    """The file that ``last_checkpoint`` names, if it is there."""
    try:
        text = (folder / POINTER).read_text(encoding='utf-8').strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not text or '\0' in text:
        return None
    return Path(text) if Path(text).is_file() else None


def _check_parts(path: Path, content: Any) -> None:
    """See that there is what a training goes on from.

    Raises:
        CheckpointError: There is not.
    """
    if not isinstance(content, dict) or not isinstance(content.get('state_dict'), dict):
        raise CheckpointError(f'{path} is no checkpoint of a training')
    meta = content.get('meta')
    counts = [isinstance(meta, dict) and meta.get(key) for key in ('epoch', 'iter')]
    if not isinstance(content.get('optimizer'), dict) or not all(
        type(count) is int for count in counts
    ):
        raise CheckpointError(
            f'{path} has weights alone, no optimizer and no iteration to go on with; to start from '
            f'its weights, set load_from={path}'
        )
    if not isinstance(content.get('message_hub', {}), dict):
        raise CheckpointError(f'{path} is damaged: its message_hub is no dict')
