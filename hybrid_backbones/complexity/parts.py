"""What the parts of a backbone are made of, and what each of them costs."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterator, List, Tuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..backbones.base import HybridBackbone
from .backbone import count_parameters

# classes that only hold others
HOLDERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Identity)


@dataclass(frozen=True)
class Part:
    """One part of a backbone.

    Args:
        name: ``'stem'``, ``'stage 1'``, ``'output norms'``.
        layers: Its layers by class, in words.
        params: What it learns.
        flops: Multiply-adds for one image.
    """

    name: str
    layers: str
    params: int
    flops: int


def describe_parts(backbone: HybridBackbone, height: int, width: int) -> List[Part]:
    """Parameters and operations of stem, stages and output norms.

    Their sums are what ``count_parameters`` and ``count_flops`` say of the whole backbone.

    Args:
        backbone: In eval mode on the meta device: nothing is computed.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """
    parts = list(_parts(backbone))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        meters = [_Meter(module, counter) for _, module in parts]
        backbone(torch.empty(1, 3, height, width, device='meta'))
    described = [
        Part(name, layers_of(module), count_parameters(module), meter.remove())
        for (name, module), meter in zip(parts, meters)
    ]
    rest = Part(
        'the rest',
        '',
        count_parameters(backbone) - sum(part.params for part in described),
        counter.get_total_flops() // 2 - sum(part.flops for part in described),
    )
    return [part for part in (*described, rest) if part.params or part.flops]


def _parts(backbone: nn.Module) -> Iterator[Tuple[str, nn.Module]]:
    for name, child in backbone.named_children():
        if name == 'stages':
            yield from ((f'stage {i}', stage) for i, stage in enumerate(child, start=1))
        else:
            yield {'out_norms': 'output norms'}.get(name, name), child


class _Meter:
    """Counts what is computed inside of a part, by hooks on all its modules.

    A stage is never called as a whole: the backbones call its blocks.
    """

    def __init__(self, part: nn.Module, counter: FlopCounterMode):
        self.counter = counter
        self.flops = self.depth = self.before = 0
        self.hooks = []
        for module in part.modules():
            self.hooks.append(module.register_forward_pre_hook(self._enter))
            self.hooks.append(module.register_forward_hook(self._leave))

    def _enter(self, *_: Any) -> None:
        if self.depth == 0:
            self.before = self.counter.get_total_flops()
        self.depth += 1

    def _leave(self, *_: Any) -> None:
        self.depth -= 1
        if self.depth == 0:
            self.flops += self.counter.get_total_flops() - self.before

    def remove(self) -> int:
        """Take the hooks away; the multiply-adds."""
        for hook in self.hooks:
            hook.remove()
        return self.flops // 2


def layers_of(part: nn.Module) -> str:
    """The layers of a part by class, as in ``'PatchEmbed, 8 GlobalBlock'``."""
    blocks = getattr(part, 'blocks', None)
    if not blocks:
        return _count(_layers(part))
    before = [child for name, child in part.named_children() if name != 'blocks']
    words = [_count([layer for child in before for layer in _layers(child)])]
    if hasattr(blocks[0], 'branches'):  # HRFormer: streams side by side
        streams = blocks[0].branches
        words.append(
            f'{len(blocks)} {type(blocks[0]).__name__} of {len(streams)} streams with '
            f'{_count(streams[0])} each'
        )
    else:
        words.append(_count(blocks))
    return ', '.join(filter(None, words))


def _layers(module: nn.Module) -> List[nn.Module]:
    """The module itself, or what it holds if it is but a holder; or a stage's layers."""
    if not isinstance(module, HOLDERS) and not hasattr(module, 'blocks'):
        return [module]
    return [layer for child in module.children() for layer in _layers(child)]


def _count(layers) -> str:
    counted = Counter(type(layer).__name__ for layer in layers)
    return ', '.join(name if n == 1 else f'{n} {name}' for name, n in counted.items())
