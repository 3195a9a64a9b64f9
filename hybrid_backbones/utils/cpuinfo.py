"""What Linux and torch say of the processor."""

from pathlib import Path
from typing import List, Optional

import torch

CPUINFO = Path('/proc/cpuinfo')
# what a processor calls its matrix products of bfloat16: x86, and ARM
BFLOAT16 = ('avx512_bf16', 'amx_bf16', 'bf16', 'svebf16')


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


def capability() -> str:
    """The vectors that torch computes with, such as ``'AVX512'``; empty if it does not say."""
    return getattr(torch.backends.cpu, 'get_cpu_capability', lambda: '')()


def bfloat16_instructions() -> Optional[List[str]]:
    """Those of ``BFLOAT16`` that the processor has; None where Linux does not tell."""
    flags = cpuinfo('flags', 'Features')
    return None if flags is None else [name for name in BFLOAT16 if name in flags.split()]


def extensions() -> List[str]:
    """The vectors that torch computes with, and instructions for bfloat16: ``AVX512_BF16``."""
    found = [capability(), *(name.upper() for name in bfloat16_instructions() or [])]
    return [name for name in found if name]
