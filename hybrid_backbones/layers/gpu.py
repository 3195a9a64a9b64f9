"""Whether layers work on a GPU, and in which type; the meta device may stand for one."""

from contextlib import contextmanager
from typing import Iterator, Optional

import torch
from torch import Tensor

SMALL_TYPES = (torch.bfloat16, torch.float16)

_autocast_on_meta: Optional[bool] = None  # None: the meta device is no GPU


def runs_on_gpu(x: Tensor) -> bool:
    """Whether a GPU's kernels will see a tensor."""
    device = x.device.type
    return device == 'cuda' or (device == 'meta' and _autocast_on_meta is not None)


def in_small_type(x: Tensor) -> bool:
    """Whether a GPU computes in 16 bit with a tensor: it has such a type, or autocast gives one."""
    if x.device.type == 'meta':
        return x.dtype in SMALL_TYPES or bool(_autocast_on_meta)
    return x.dtype in SMALL_TYPES or torch.is_autocast_enabled()


@contextmanager
def meta_as_gpu(autocast: bool = False) -> Iterator[None]:
    """Inside, layers on the meta device do what they do on a GPU, to be counted or looked at.

    Args:
        autocast: As in mixed precision.
    """
    global _autocast_on_meta
    before, _autocast_on_meta = _autocast_on_meta, autocast
    try:
        yield
    finally:
        _autocast_on_meta = before
