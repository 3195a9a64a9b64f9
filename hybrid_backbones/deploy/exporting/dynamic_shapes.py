"""Modules that compute the same in one graph for all image sizes, for torch.export.

In the backbones some steps are left out where a size does not need them, or are done as a
processor likes them best. A graph that is recorded once has to do without such questions. What
families need of their own is in ``families/``.
"""

from types import MappingProxyType
from typing import Dict, Mapping

import torch
from torch import Tensor, nn

from ...layers import SelfAttention
from ..subclass import as_subclass
from .families import VARIANTS, register_any_size
from .pooling import AnySizeAdaptiveAvgPool2d


class AnySizeSelfAttention(SelfAttention):
    """Takes no order in memory for granted: torch's implementations of attention differ in theirs.

    A graph notes a view of what one of them returns, and may be run, or exported, with another.
    """

    def _join(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2).clone(memory_format=torch.contiguous_format)
        return self.proj(x.flatten(2))


register_any_size([AnySizeSelfAttention, AnySizeAdaptiveAvgPool2d])


def for_any_size(
    module: nn.Module, constants: Mapping[nn.Module, nn.Module] = MappingProxyType({})
) -> nn.Module:
    """The same with modules that do not ask for sizes; weights and their names stay.

    Args:
        module: Taken over: its children are replaced **in place**, each once, however many parents
            it has.
        constants: What stands for some of its modules, where there is one size only (see
            :mod:`hybrid_backbones.deploy.exporting.fixed_size`).
    """
    return _replace(module, dict(constants))


def _replace(module: nn.Module, done: Dict[nn.Module, nn.Module]) -> nn.Module:
    if module not in done:
        for name, child in module._modules.items():  # named_children leaves out second names
            if child is not None:
                setattr(module, name, _replace(child, done))
        variant = VARIANTS.get(type(module))
        done[module] = as_subclass(module, variant) if variant else module
    return done[module]
