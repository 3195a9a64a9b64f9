"""Several ways to run a network, timed in turns in one process."""

import time
from dataclasses import asdict, replace
from typing import Any, Dict, List, Mapping, Tuple

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...utils.versions import where_and_when
from .runtimes import Runtime, another_runtime, runtime_versions
from .settings import Settings, check_settings, make_ready
from .timing import Clock, Step, Times, alternate, pairwise_ratios

COMMON = ('what', 'threads', 'device', 'repeats', 'warmup', 'limit')


def in_turns(ways: Mapping[str, Settings], clock: Clock = time.perf_counter) -> Dict[str, Any]:
    """Time networks, or one network in several modes and types, in turns (A B C A B C ...).

    Args:
        ways: By name; the first one is what the others are compared with. ``against`` and
            ``memory`` are not for here.
        clock: Tells the time in seconds.

    Returns:
        Numbers and strings that JSON can hold: by name in ``ways`` the ``settings``, the median
        ``seconds`` of a call for the whole batch, and ``ratio``, the median of its times over the
        first one's in the same turn. Beside them ``machine``, ``versions``, ``threads`` and
        ``date``.

    Raises:
        ConfigError: What the settings ask for is not there or not possible, or they differ in what
            one process has in common: ``COMMON``.
        ExportError: A runtime cannot run its network, or computes something else.
    """
    first = next(iter(ways.values()))
    for settings in ways.values():
        check_settings(settings)
        for name in COMMON:
            if getattr(settings, name) != getattr(first, name):
                raise ConfigError(f'what is timed in turns must have `{name}` in common')
    torch.set_num_threads(first.threads)
    training = first.what == 'training'
    made = _all_ready(ways)
    steps = {name: Step(module, images, training) for name, (module, images) in made.items()}
    times, _ = alternate(steps, first.repeats, first.warmup, clock, first.limit)
    reference = next(iter(times.values()))
    about = where_and_when(first.device)
    for settings in ways.values():
        about['versions'].update(runtime_versions(settings.mode))
    return dict(
        ways={
            name: dict(
                settings=asdict(ways[name]),
                seconds=each.median,
                ratio=Times(pairwise_ratios(each, reference)).median,
            )
            for name, each in times.items()
        },
        threads=first.threads,
        **about,
    )


def _all_ready(ways: Mapping[str, Settings]) -> Dict[str, Tuple[nn.Module, Tensor]]:
    """Modules and images; what several runtimes read is exported once."""
    made: Dict[str, Tuple[nn.Module, Tensor]] = {}
    exported: List[Tuple[Settings, Runtime]] = []
    for name, settings in ways.items():
        same = (runtime for of, runtime in exported if replace(settings, mode=of.mode) == of)
        first = next(same, None)
        module, images = another_runtime(settings, first) if first else make_ready(settings)
        made[name] = module, images
        if isinstance(module, Runtime):
            exported.append((settings, module))
    return made
