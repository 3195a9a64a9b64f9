"""Parameters and operations of a backbone."""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(backbone: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(parameter.numel() for parameter in backbone.parameters())


def count_flops(backbone: nn.Module, height: int, width: int) -> int:
    """Multiply-adds for one image, as the field's GFLOPs count them.

    Counted are convolutions, linear layers and matrix products (attention among them); the rest
    is small. Nothing is computed: the backbone is copied to the meta device.

    Args:
        backbone: In either mode; counted in eval mode.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """
    shadow = copy.deepcopy(backbone).to('meta').eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, 3, height, width, device='meta'))
    return counter.get_total_flops() // 2
