"""Weights that show a mistake in folding: fresh norms and layer scales do next to nothing."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hybrid_backbones.backbones.transxnet import ChannelAffine
from hybrid_backbones.layers import LayerScale, ResidualDWConv


@torch.no_grad()
def randomise(backbone: nn.Module) -> nn.Module:
    """Statistics, scales and shifts of all BatchNorms and layer scales, in place."""
    for module in backbone.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                module.weight.uniform_(0.5, 1.5)
                module.weight[::5] *= -1
                module.bias.normal_(0, 0.3)
        elif isinstance(module, LayerScale):
            module.gamma.uniform_(-1, 1)
        elif isinstance(module, ChannelAffine):
            module.weight.uniform_(-1, 1)
            module.weight[0] = 0  # nothing may divide by it
            module.bias.normal_(0, 0.3)
        elif isinstance(module, (nn.Conv2d, ResidualDWConv)) and module.bias is not None:
            module.bias.normal_(0, 0.3)
    return backbone


def furthest(levels, others) -> float:
    """The largest difference, in standard deviations of its level."""
    return max(((a - b).abs().max() / b.std()).item() for a, b in zip(levels, others))
