"""Batch norms behind convolutions, in what the necks and heads of OpenMMLab's models are made of.

``mmcv.cnn.fuse_conv_bn`` takes whatever stands next to each other in a module, computed in that
order or not, and a convolution that two norms share twice; here only modules whose class says in
which order they compute are looked into.
"""

import sys
from collections import Counter
from typing import Any, Iterator, List, Optional, Set, Tuple

import torch
from mmengine.model import Sequential
from mmengine.utils.dl_utils.parrots_wrapper import SyncBatchNorm
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .affine import set_weights

# Of exactly these classes: a subclass may compute something else.
SEQUENCES = (nn.Sequential, Sequential)
NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, SyncBatchNorm)

# They read the parts of a ConvModule and do not call it: a bias would be lost.
TAKEN_APART = ('mmdet.models.dense_heads.tood_head.TaskDecomposition',)

HOOKS = ('_forward_hooks', '_forward_pre_hooks', '_backward_hooks', '_backward_pre_hooks')


@torch.no_grad()
def fold_convolutions(model: nn.Module, leave: Optional[nn.Module] = None) -> List[str]:
    """Fold BatchNorms in eval mode into the convolutions right before them, **in place**.

    Pairs are looked for in mmcv's ``ConvModule`` and in sequences; convolutions may be transposed.
    Sums are taken in float64 and rounded once. What cannot go exactly stays as it is: a
    convolution that several modules hold, because its norms differ; one with hooks, spectral norm
    among them, or a parametrization; a norm in training mode, or without statistics; a grouped
    transposed convolution; all inside of a module whose ``forward`` was replaced; every class that
    is not known.

    Args:
        model: In eval mode.
        leave: A module inside that is left alone, with all that it holds.

    Returns:
        Names of the norms that are gone. Identities stand in their places.
    """
    holders = _holders(model)
    folded = []
    for prefix, module in _walk('', model, leave, set()):
        for first, second in _pairs(module):
            conv, norm = getattr(module, first), getattr(module, second)
            if holders[id(conv)] == 1 and _can_take(conv) and _can_go(norm, conv):
                _fuse(conv, norm)
                setattr(module, second, nn.Identity().eval())
                folded.append(prefix + second)
                switch: Any = getattr(module, 'turn_on_efficient_conv_bn_eval', None)
                if switch:  # a ConvModule's own way to fold, which would ask the norm
                    switch(False)
    return folded


def _fuse(conv: Any, norm: Any) -> None:
    given = (conv.weight, conv.bias, norm.running_mean, norm.running_var)
    weight, bias, mean, variance = (None if x is None else x.double() for x in given)
    factor, shift = (None if x is None else x.double() for x in (norm.weight, norm.bias))
    fused: Any = fuse_conv_bn_weights  # whose types deny that a bias may be missing
    weight, bias = fused(
        *(weight, bias, mean, variance, norm.eps, factor, shift),
        transpose=isinstance(conv, nn.ConvTranspose2d),
    )
    set_weights(conv, weight, bias)


def _holders(model: nn.Module) -> 'Counter[int]':
    """How often each module is held by another."""
    return Counter(id(child) for module in model.modules() for child in module._modules.values())


def _walk(
    prefix: str, module: nn.Module, leave: Optional[nn.Module], seen: Set[int]
) -> Iterator[Tuple[str, nn.Module]]:
    """All modules with the beginning of their children's names."""
    kind = type(module)
    if (
        module is leave
        or id(module) in seen
        or 'forward' in vars(module)  # may call the layers inside as it likes: mmengine's does
        or f'{kind.__module__}.{kind.__qualname__}' in TAKEN_APART
    ):
        return
    seen.add(id(module))
    yield prefix, module
    for name, child in module.named_children():
        yield from _walk(f'{prefix}{name}.', child, leave, seen)


def _pairs(module: nn.Module) -> Iterator[Tuple[str, str]]:
    """Names of two children of which the second alone gets what the first returns."""
    if type(module) in SEQUENCES:
        names = list(module._modules)
        yield from zip(names, names[1:])
    elif type(module) is _of_mmcv('ConvModule'):
        parts: Any = module
        if parts.with_norm and parts.order.index('norm') == parts.order.index('conv') + 1:
            yield 'conv', parts.norm_name


def _can_take(conv: Any) -> bool:
    plain = (nn.Conv2d, _of_mmcv('Conv2d'))
    transposed = (nn.ConvTranspose2d, _of_mmcv('ConvTranspose2d'))
    if type(conv) in transposed:
        return conv.groups == 1 and _is_untouched(conv)
    return type(conv) in plain and _is_untouched(conv)


def _can_go(norm: Any, conv: Any) -> bool:
    return (
        type(norm) in NORMS
        and not norm.training
        and norm.running_mean is not None
        and norm.running_var is not None
        and norm.num_features == conv.out_channels
        and _is_untouched(norm)
    )


def _is_untouched(module: nn.Module) -> bool:
    """Nobody looks at what goes in or comes out, or computes it in another way."""
    return 'forward' not in vars(module) and not any(getattr(module, hooks) for hooks in HOOKS)


def _of_mmcv(name: str) -> Optional[type]:
    """A class of mmcv; None where nobody has imported it: then no module is of the class."""
    return getattr(sys.modules.get('mmcv.cnn'), name, None)
