"""Which of torch's kernels computed an attention, as torch's profiler names them."""

from collections import Counter
from typing import Callable

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

PREFIX = 'aten::_scaled_dot_product_'
BUILT_SCORES = f'{PREFIX}attention_math'  # writes out all scores, in fp32


def attention_kernels(call: Callable[[], object]) -> Counter:
    """How often each kernel was chosen for a forward pass inside a call.

    The names are of the functions that torch dispatches to, one for each kernel, on a CPU as on a
    GPU; what they launch has other names with every version.
    """
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        call()
    return Counter(
        event.name
        for event in profiler.events()
        if event.name.startswith(PREFIX) and 'backward' not in event.name
    )


def without_scores():
    """Inside, torch raises a ``RuntimeError`` where no fused kernel takes an attention."""
    kernels = torch.nn.attention
    return kernels.sdpa_kernel(
        [kernels.SDPBackend.FLASH_ATTENTION, kernels.SDPBackend.EFFICIENT_ATTENTION]
    )


def train_without_scores(backbone: nn.Module, image: Tensor) -> None:
    """A forward and a backward pass for which torch may not build scores.

    Raises:
        RuntimeError: No other kernel takes an attention.
    """
    with without_scores():
        levels = backbone(image)
        sum(level.float().square().mean() for level in levels).backward()
