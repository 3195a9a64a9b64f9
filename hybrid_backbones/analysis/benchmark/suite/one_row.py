"""Measuring one row, in this process."""

import time
from dataclasses import replace
from functools import cache
from typing import Any, Dict, Optional, Tuple

import torch

from ....errors import one_line
from ..measure import Costs, costs_of, report
from ..settings import Settings, make_ready
from ..timing import Clock, Step, alternate
from .out_of_memory import free_memory, is_out_of_memory

GIB = 2**30
NO_ROOM = 'out of memory with the reference beside it'
LONGEST = 300  # letters of a reason: compilers tell long stories


def measure_row(
    settings: Settings, rate: float, clock: Clock = time.perf_counter
) -> Dict[str, Any]:
    """Time a network, in turns with a reference if there is one, and see what memory it takes.

    Unlike :func:`hybrid_backbones.analysis.benchmark.measure.measure`, which starts a process for
    the memory, all is done here. What torch has allocated tells it of a GPU; of a CPU
    ``memory_gib`` is None.

    Args:
        settings: What is measured; ``against`` is the reference.
        rate: Operations a second of the device's matrix products.
        clock: Tells the time in seconds.

    Returns:
        As :func:`hybrid_backbones.analysis.benchmark.measure.report`; with ``no_reference``, the
        reason why ``against`` is None although one was asked for, else None.

    Raises:
        RuntimeError: Memory ran out, or whatever else the network ends in.
    """
    training = settings.what == 'training'
    before = _allocated(settings.device)
    step = Step(*make_ready(settings), training)
    steps, reason = {'network': step}, ''
    memory = _memory(step, before)
    if settings.against:
        beside, reason = _reference(settings)
        if beside is None:
            settings = replace(settings, against=None)
        else:
            steps['against'] = beside
    times, order = alternate(steps, settings.repeats, settings.warmup, clock, settings.limit)
    costs = costs_at(settings.network, settings.size)
    return dict(report(settings, costs, times, order, rate, memory), no_reference=reason or None)


@cache
def costs_at(network: str, size: Tuple[int, int]) -> Costs:
    """Of a network with its default options, counted once."""
    return costs_of(Settings(network, size=size))


def _reference(settings: Settings) -> Tuple[Optional[Step], str]:
    """Ready to be timed; or None, and the reason: what is wrong with it is not the network's."""
    try:
        step = Step(*make_ready(settings.of_reference()), settings.what == 'training')
        step.prepare()
        step()
        return step, ''
    except Exception as error:
        reason = f'the reference failed: {type(error).__name__}: {one_line(error)}'[:LONGEST]
        if is_out_of_memory(error):
            reason = NO_ROOM
    free_memory()
    return None, reason


def _memory(step: Step, before: int) -> Optional[Dict[str, float]]:
    """GiB of a step beside what was allocated before the network was there; None on a CPU."""
    device = step.image.device
    step.prepare()
    step()  # what a compiler or cuDNN takes once is not the network's
    step.prepare()
    if device.type != 'cuda':
        return None
    torch.cuda.reset_peak_memory_stats()
    start = torch.cuda.memory_allocated() - before
    step()
    peak = torch.cuda.max_memory_allocated() - before
    return dict(before=start / GIB, peak=peak / GIB, growth=(peak - start) / GIB)


def _allocated(device: str) -> int:
    return torch.cuda.memory_allocated() if device == 'cuda' else 0
