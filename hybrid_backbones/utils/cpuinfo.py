"""What Linux says of the processor."""

from pathlib import Path
from typing import Optional

CPUINFO = Path('/proc/cpuinfo')


def cpuinfo(*names: str) -> Optional[str]:
    """The value of the first line that has one of these names; None where there is none.

    Args:
        names: Such as ``'model name'``; x86 and ARM have different ones.
    """
    if CPUINFO.is_file():
        for line in CPUINFO.read_text(encoding='utf-8', errors='replace').splitlines():
            name, _, value = line.partition(':')
            if name.strip() in names:
                return value.strip()
    return None
