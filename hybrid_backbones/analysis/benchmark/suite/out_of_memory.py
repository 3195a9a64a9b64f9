"""Whether something fits into a device's memory, found by trying."""

import gc
from dataclasses import replace
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from ..settings import Settings, make_ready
from ..timing import Step

# torch's own class for GPUs; of a CPU's allocator it is the text that says so
CPU_ALLOCATOR = 'DefaultCPUAllocator'


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        CPU_ALLOCATOR in text or 'CUDA out of memory' in text or 'CUBLAS_STATUS_ALLOC' in text
    )


def free_memory() -> None:
    """Give back what nobody holds: after a failure, what its frames held too."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def largest_batch(settings: Settings, batches: Sequence[int]) -> Optional[int]:
    """The largest of rising numbers of images with which one step fits; None if not even the first.

    Args:
        settings: The step, whose ``batch`` does not matter.
        batches: What is tried, one after the other, until memory runs out.
    """
    module, image = make_ready(replace(settings, batch=1))
    found = None
    for batch in batches:
        images = image.shape[1:]
        fits = _fits(module, (batch, *images), image, settings.what == 'training')
        free_memory()
        if not fits:
            break
        found = batch
    return found


def _fits(module: nn.Module, shape: Tuple[int, ...], like: Tensor, training: bool) -> bool:
    try:
        step = Step(module, torch.randn(shape, dtype=like.dtype, device=like.device), training)
        step.prepare()
        step()
        step.prepare()  # the gradients are not the next try's
        return True
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        module.zero_grad(set_to_none=True)
        return False
