"""This program's resident memory, in bytes.

Linux's own count of the pages. ``getrusage`` serves on other systems; on Linux its peak survives
``exec``, and a large parent's memory would pass for its child's.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Optional

STATUS, CLEAR_REFS = Path('/proc/self/status'), Path('/proc/self/clear_refs')


def reset_peak() -> int:
    """Forget the earlier peak, where that is possible; resident bytes now."""
    try:
        CLEAR_REFS.write_text('5', encoding='ascii')
    except OSError:
        pass
    return _read('VmRSS')


def peak_memory() -> int:
    """Most resident bytes since the start, or since :func:`reset_peak`; 0 where unknown."""
    return _read('VmHWM')


def peak_memory_of(process: int) -> int:
    """The same of another process, by its number; 0 where unknown, or if it has ended."""
    return _in_status(Path(f'/proc/{process}/status'), 'VmHWM') or 0


def _in_status(status: Path, key: str) -> Optional[int]:
    try:
        lines = status.read_text(encoding='utf-8').splitlines()
    except OSError:
        return None
    found = (int(line.split()[1]) * 1024 for line in lines if line.startswith(f'{key}:'))
    return next(found, None)


def _read(key: str) -> int:
    found = _in_status(STATUS, key)
    if found is not None:
        return found
    if sys.platform == 'win32':
        return 0
    resource = import_module('resource')  # Unix alone has it
    unit = 1 if sys.platform == 'darwin' else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
