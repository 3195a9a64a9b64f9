"""float32 that is float32: without TF32, which torch uses for convolutions on newer GPUs."""

from contextlib import contextmanager
from typing import Any, Iterator, Tuple

import torch


@contextmanager
def without_tf32() -> Iterator[None]:
    """Inside, matrix products and convolutions of float32 keep all of its 24 bits on a GPU."""
    switches: Tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = False
        yield
    finally:
        for switch, value in zip(switches, before):
            switch.allow_tf32 = value
