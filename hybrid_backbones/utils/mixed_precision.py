"""Types of 16 bits that devices compute in, and whether that is fast there."""

from typing import Optional

import torch

from .cpuinfo import bfloat16_instructions

DEFAULTS = dict(cpu=torch.bfloat16, cuda=torch.float16)


def autocast_dtype(device: str) -> torch.dtype:
    """What torch casts to on a device by default: bfloat16 on a CPU, float16 on a GPU."""
    return DEFAULTS.get(torch.device(device).type, torch.bfloat16)


def note_on_speed(device: str) -> Optional[str]:
    """A line where bfloat16 is slower than float32: on a CPU without instructions for it."""
    if torch.device(device).type != 'cpu' or cpu_has_bfloat16() is not False:
        return None
    return (
        'mixed precision: this CPU has no instructions for bfloat16 (AVX512-BF16 or AMX), which '
        'will be slower here than float32'
    )


def cpu_has_bfloat16() -> Optional[bool]:
    """Whether the processor multiplies matrices of bfloat16; None if nothing tells."""
    torch_knows = [
        getattr(torch.cpu, name, None)  # from torch 2.6
        for name in ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    ]
    if any(ask is not None and ask() for ask in torch_knows):
        return True
    found = bfloat16_instructions()
    if found is not None:
        return bool(found)
    return False if None not in torch_knows else None
