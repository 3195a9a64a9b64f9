"""Weights that layers are born with."""

from torch import nn


def init_linear(module: nn.Module) -> None:
    """Linear layers from a truncated normal of std 0.02, zero bias; for ``Module.apply``."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
