"""Whether torch computes in a smaller type than it is given."""

import torch


def autocasts_on_cpu() -> bool:
    """Whether ``torch.autocast('cpu')`` is on."""
    if hasattr(torch, 'get_autocast_dtype'):  # since torch 2.4, which takes a device
        return torch.is_autocast_enabled('cpu')
    return torch.is_autocast_cpu_enabled()
