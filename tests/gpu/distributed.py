"""A training step of one process of a group, and the same step alone."""

import copy
from pathlib import Path
from typing import Tuple

import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tests.gpu.compare import Result, numbers


def step(module: nn.Module, image: Tensor, weights: nn.Module) -> Result:
    """Forward and backward: the levels, and what an optimizer would take of the ``weights``.

    Not what it makes of them: in a weight a small change is rounded away.
    """
    levels = module(image)
    sum(level.square().mean() for level in levels).backward()
    gradients = {name: numbers(p.grad) for name, p in weights.named_parameters()}
    return Result(tuple(map(numbers, levels)), gradients)


def steps_alone_and_in_a_group(
    backbone: nn.Module, image: Tensor, backend: str, folder: Path
) -> Tuple[Result, Result]:
    """The same step twice: plainly, and as DDP does it in a group of one process.

    Args:
        backbone: On the device; it is left as it is.
        image: On the device too.
        backend: ``'nccl'`` or ``'gloo'``.
        folder: For the file by which a group finds itself.
    """
    alone, grouped = copy.deepcopy(backbone), copy.deepcopy(backbone)
    plain = step(alone, image, alone)
    dist.init_process_group(backend, init_method=(folder / 'group').as_uri(), rank=0, world_size=1)
    try:
        wrapped = DistributedDataParallel(grouped)
        return plain, step(wrapped, image, grouped)
    finally:
        dist.destroy_process_group()
