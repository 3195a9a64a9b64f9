"""What the parts of a backbone are made of, and what each of them costs."""

from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Iterable, Iterator, List, Tuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..backbones.base import HybridBackbone
from .backbone import count_parameters

# from torch 2.4 on; before, the counter has to be given the module
COUNTS_MODULES = find_spec('torch.utils.module_tracker') is not None
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
    with (
        FlopCounterMode(None if COUNTS_MODULES else backbone, display=False) as counter,
        torch.no_grad(),
    ):
        backbone(torch.empty(1, backbone.in_channels, height, width, device='meta'))
    flops = {name: sum(by_op.values()) // 2 for name, by_op in counter.get_flop_counts().items()}
    whole = type(backbone).__name__
    described = [
        Part(name, layers_of(module), count_parameters(module), flops.get(f'{whole}.{path}', 0))
        for name, path, module in _parts(backbone)
    ]
    rest = Part(
        'the rest',
        '',
        count_parameters(backbone) - sum(part.params for part in described),
        counter.get_total_flops() // 2 - sum(part.flops for part in described),
    )
    return [part for part in (*described, rest) if part.params or part.flops]


def _parts(backbone: nn.Module) -> Iterator[Tuple[str, str, nn.Module]]:
    """Each part in words, by its path, and itself."""
    for path, child in backbone.named_children():
        if path == 'stages':
            for i, stage in enumerate(child.children()):
                yield f'stage {i + 1}', f'{path}.{i}', stage
        else:
            yield {'out_norms': 'output norms'}.get(path, path), path, child


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


def _count(layers: Iterable[nn.Module]) -> str:
    counted = Counter(type(layer).__name__ for layer in layers)
    return ', '.join(name if n == 1 else f'{n} {name}' for name, n in counted.items())
