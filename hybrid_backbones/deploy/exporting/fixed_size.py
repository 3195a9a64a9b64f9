"""What follows from the size of the images alone, computed before a network is recorded for one.

A runtime would compute it when it reads the file, by operators that were not written for that:
OpenVINO takes many minutes for a table that torch resizes in a second. What families need is in
``families/``.
"""

from collections import defaultdict
from typing import Any, Dict, Set, Tuple

from torch import Tensor, nn

from .families import CONSTANTS


def constants_for(network: nn.Module, images: Tensor) -> Dict[nn.Module, nn.Module]:
    """What stands for which module where all images are of one size.

    Args:
        network: In eval mode; it is called once, and stays as it is.
        images: ``(N, in_channels, H, W)`` of that size.

    Returns:
        By module. One that was called with several sizes of maps is not among them.
    """
    calls: Dict[nn.Module, Set[Tuple[Any, ...]]] = defaultdict(set)
    modules = [module for module in network.modules() if type(module) in CONSTANTS]
    if not modules:
        return {}
    hooks = [
        module.register_forward_pre_hook(lambda called, sizes: calls[called].add(sizes))
        for module in modules
    ]
    try:
        network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {
        module: CONSTANTS[type(module)](module, *sizes)
        for module, (sizes, *others) in calls.items()
        if not others
    }
