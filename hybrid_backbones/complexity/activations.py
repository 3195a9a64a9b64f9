"""Activations of a network: the numbers that its layers write, by which memory traffic goes."""

from typing import Any, Dict, Optional

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

COUNTED = ('aten.convolution', 'aten.addmm', 'aten.mm', 'aten.bmm', 'aten.baddbmm')


class _OutputCounter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Optional[Dict[str, Any]] = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if str(func).rpartition('.')[0] in COUNTED:
            self.total += output.numel()
        return output


def count_activations(module: nn.Module, image: torch.Tensor) -> int:
    """Numbers that convolutions, linear layers and matrix products write, attention's among them.

    As timm's benchmarks and fvcore count them; a fused attention need not write its scores.

    Args:
        module: On the meta device, where nothing is computed, in eval mode.
        image: What it is called with, on the meta device.
    """
    with _OutputCounter() as counter, torch.no_grad():
        module(image)
    return counter.total
