"""How the process of a run ended, from its exit status and its last words."""

import re
import signal
from typing import Tuple

DONE = 'done'
STOPPED = 'stopped'
OUT_OF_MEMORY = 'out of memory'
KILLED = 'killed'
DIVERGED = 'diverged'
DISK = 'disk'
DATA = 'data'
WEIGHTS = 'weights'
PACKAGE = 'missing package'
REFUSED = 'refused'  # a setting that cannot work
CRASHED = 'crashed'

TAIL = 20000  # letters of the output that are looked at
# what torch, cuDNN, cuBLAS and Python say
_MEMORY = re.compile(
    r'OutOfMemoryError|out of memory|DefaultCPUAllocator: (can.t|not enough)|'
    r'CUBLAS_STATUS_ALLOC_FAILED|\bMemoryError\b|[Cc]annot allocate memory'
)
_REFUSAL = re.compile(r'^(?:hybrid-backbones \w[\w-]*)(?::| needs) ?(.*)$')
# of refusals: what the line says, and what that is
_KINDS = (
    (re.compile(r'loss(es)? (is|are) not finite|weights are not finite'), DIVERGED),
    (re.compile(r'^cannot write|No space left|make room'), DISK),
    (re.compile(r'no checkpoint file|init_cfg|cannot download|checkpoint|pretrained'), WEIGHTS),
    (re.compile(r'not found: the data|data_root|dataset|annotation|image|check-dataset'), DATA),
)


def how_it_ended(status: int, output: str) -> Tuple[str, str]:
    """The kind of an end, and the reason in a line.

    Args:
        status: As a shell counts it: 128 + N where signal N ended the process.
        output: What it has printed, the last part of it.
    """
    if status == 0:
        return DONE, ''
    lines = [line.rstrip() for line in output[-TAIL:].splitlines() if line.strip()]
    memory = next((line for line in reversed(lines) if _MEMORY.search(line)), '')
    if status == 128 + signal.SIGKILL:
        words = 'by SIGKILL, likely by the kernel for want of memory'
        return KILLED, words if not memory else _short(f'{words}: {memory}')
    refusal = next((line for line in reversed(lines) if _REFUSAL.match(line)), '')
    if status > 128 and refusal and 'stopped by' in refusal:
        return STOPPED, _said(refusal).partition('stopped ')[2]
    if memory:
        return OUT_OF_MEMORY, _short(memory)
    if status > 128:
        return KILLED, f'by {_name(status - 128)}'
    if refusal:
        if ' needs ' in refusal.partition(':')[0]:
            return PACKAGE, _said(refusal)
        said = _said(refusal)
        return next((kind for words, kind in _KINDS if words.search(said)), REFUSED), said
    return CRASHED, _short(_last_error(lines)) or f'exit status {status}, and no word why'


def shell_status(returncode: int) -> int:
    """Python's number for the end of a process as a shell counts it."""
    return 128 - returncode if returncode < 0 else returncode


def _said(refusal: str) -> str:
    found = _REFUSAL.match(refusal)
    return found[1] if found else refusal


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'signal {number}'


def _last_error(lines: 'list[str]') -> str:
    """The line of an exception, which torchrun follows with a report of its own."""
    errors = [
        line for line in lines if re.match(r'(\[rank\d+\]: ?)?[\w.]*(Error|Exception)\b', line)
    ]
    own = [line for line in errors if 'ChildFailedError' not in line]
    return (own or errors or lines or [''])[-1]


def _short(line: str, most: int = 300) -> str:
    line = ' '.join(line.split())
    return line if len(line) <= most else f'{line[: most - 3]}...'
