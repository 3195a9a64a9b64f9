"""Peak memory of one call of a network, measured in a fresh process."""

import ctypes
import gc
import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Dict, Optional

import torch

from ...backbones.families import modules_of_other_packages
from ...errors import ConfigError
from ...utils.memory import peak_memory as peak_resident
from ...utils.memory import reset_peak
from .settings import Settings, from_dict, make_ready
from .timing import Step

GIB = 2**30


def peak_memory(settings: Settings, file: Optional[str] = None) -> Dict[str, float]:
    """Memory before and at the peak of one call, in GiB.

    On a CPU, resident memory of a process that has imported and built nothing else; on a GPU,
    what torch has allocated.

    Args:
        settings: What is measured.
        file: What a runtime reads, if it has been exported already: the exporter's memory is not
            the network's.

    Raises:
        ConfigError: The process failed, for want of memory perhaps.
    """
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            __name__,
            json.dumps(dict(asdict(settings), file=file)),
            *modules_of_other_packages(),
        ],
        env=environment(settings.threads),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f'exit status {done.returncode}'])[-1]
        raise ConfigError(f'peak memory of {settings.network} could not be measured: {last}')
    return json.loads(done.stdout.splitlines()[-1])


def environment(threads: int) -> Dict[str, str]:
    """Of a process that measures: waiting threads sleep, and the package is this one."""
    package = str(Path(__file__).resolve().parents[3])
    paths = [package, *filter(None, [os.environ.get('PYTHONPATH')])]
    return {
        **os.environ,
        'OMP_NUM_THREADS': str(threads),
        'OMP_WAIT_POLICY': 'PASSIVE',
        'PYTHONPATH': os.pathsep.join(paths),
    }


def measure_here(settings: Settings, file: Optional[str] = None) -> Dict[str, float]:
    """The same in this process, whose earlier peak counts where the system cannot reset it."""
    torch.set_num_threads(settings.threads)
    module, image = make_ready(settings, file)
    step = Step(module, image, settings.what == 'training')
    step.prepare()
    if 'compiled' in settings.mode:
        step()  # what the compiler takes is not the network's
        step.prepare()
        _return_freed()
    memory = _GpuMemory if settings.device == 'cuda' else _CpuMemory
    before = memory.reset()
    step()
    peak = max(memory.peak(), before)
    return dict(before=before / GIB, peak=peak / GIB, growth=(peak - before) / GIB)


def _return_freed() -> None:
    """Give back what the allocator keeps: the next call would grow into it unseen."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)  # glibc's
    if trim:
        trim(0)


class _GpuMemory:
    @staticmethod
    def reset() -> int:
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()

    @staticmethod
    def peak() -> int:
        return torch.cuda.max_memory_allocated()


class _CpuMemory:
    reset = staticmethod(reset_peak)
    peak = staticmethod(peak_resident)


if __name__ == '__main__':  # settings as JSON, and modules that register families
    for _module in sys.argv[2:]:
        import_module(_module)
    _given = json.loads(sys.argv[1])
    print(json.dumps(measure_here(from_dict(_given), _given['file'])))
