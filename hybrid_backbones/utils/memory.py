"""This program's resident memory, in bytes.

Linux's own count of the pages. ``getrusage`` serves on other systems; on Linux its peak survives
``exec``, and a large parent's memory would pass for its child's.
"""

import sys
from importlib import import_module
from pathlib import Path

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


def _read(key: str) -> int:
    lines = STATUS.read_text(encoding='utf-8').splitlines() if STATUS.is_file() else []
    for line in lines:
        if line.startswith(f'{key}:'):
            return int(line.split()[1]) * 1024
    if sys.platform == 'win32':
        return 0
    resource = import_module('resource')  # Unix alone has it
    unit = 1 if sys.platform == 'darwin' else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
