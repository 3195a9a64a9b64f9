"""Random numbers that follow from a seed and a place in the training, not from what was before.

So a resumed training draws what an uninterrupted one draws, whatever was drawn in between and
however many processes load the data.
"""

import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch

DATA, MODEL = 0, 1  # streams of a training


def derive_seed(*numbers: int) -> int:
    """A seed of 63 bits that looks unrelated to that of other numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def set_random_state(seed: int) -> None:
    """Begin anew in Python, numpy and torch, on the CPU and this process's GPU."""
    _seed_cpu(seed)
    # not torch.manual_seed: for each kind of device that is not in use it would note a call, with
    # its traceback, at every iteration
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


@contextmanager
def random_state(seed: int) -> Iterator[None]:
    """Draw from a seed inside; afterwards go on as if nothing had been drawn. CPU only."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    _seed_cpu(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _seed_cpu(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
