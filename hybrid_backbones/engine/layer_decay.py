"""Layer-wise learning-rate decay: layers near the image learn more slowly than those near the head.

As ELECTRA and BEiT were fine-tuned (Clark et al. 2020, arXiv:2003.10555, appendix B; Bao et al.
2021, arXiv:2106.08254, section 3): early layers hold what is general, and should change little.
In a config of MMDetection, MMSegmentation or MMPose::

    optim_wrapper = dict(
        constructor='hybrid_backbones.LayerDecayOptimWrapperConstructor',
        paramwise_cfg=dict(decay_rate=0.9, decay_type='layer_wise', norm_decay_mult=0.0),
    )
"""

import math
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Tuple, cast

from mmengine.logging import print_log
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from ..backbones.base import HybridBackbone
from ..errors import ConfigError
from ..registry import OPTIM_WRAPPER_CONSTRUCTORS
from ..utils.text import aligned_columns

DECAY_TYPES = ('layer_wise', 'stage_wise')
OWN_SETTINGS = ('decay_rate', 'decay_type', 'num_layers')
NEW = 'what no pretraining has seen'  # neck and heads, and new parts of the backbone
# what FSDP, activation checkpointing and torch.compile put into names
WRAPPERS = re.compile(r'\b(?:_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod)\.')

BLOCK = re.compile(r'stages\.(\d+)\.blocks\.(\d+)\.(?:branches\.\d+\.(\d+)\.|(fuse)\.)?')
STAGE = re.compile(r'stages\.(\d+)\.')
# stage (the stem: -1), block, and for modules of parallel streams the block of a stream (from 1)
Place = Tuple[float, float, float]


@dataclass(frozen=True)
class LayerRate:
    """What layer decay does to a parameter.

    Args:
        layer: The layer that it is of, e.g. ``'stages.2.blocks.5'``.
        scale: Factor on the learning rate.
    """

    layer: str
    scale: float


def layers_of(names: Iterable[str], before_blocks: Tuple[str, ...] = ()) -> Dict[str, Place]:
    """The layers of a backbone, from the names of its parameters alone.

    The stem is a layer, and so is every block. What a stage has before its first block
    (downsampling, transition, class token, position table) belongs to that block, except for
    what the family names as a layer of its own. Blocks of streams that run side by side are one
    layer, and the exchange behind them belongs to it.

    Args:
        names: As in the backbone's state dict.
        before_blocks: Its ``layers_before_blocks``.

    Returns:
        For every name that is of the stem or a stage, a tuple that rises with depth.
    """
    found: Dict[str, Place] = {}
    before: Dict[str, Place] = {}  # what leads into the first block of a stage
    behind: Dict[str, Place] = {}  # what follows the last block of a module
    for name in names:
        block, stage = BLOCK.match(name), STAGE.match(name)
        if name.startswith('stem.'):
            found[name] = (-1, 0, 0)
        elif block and block[4]:
            behind[name] = (int(block[1]), int(block[2]), math.inf)
        elif block:
            found[name] = (int(block[1]), int(block[2]), int(block[3] or -1) + 1)
        elif stage and name.startswith(before_blocks):
            found[name] = (int(stage[1]), -1, 0)
        elif stage:
            before[name] = (int(stage[1]), -math.inf, 0)
    layers = sorted(set(found.values()))
    for name, place in before.items():
        i = bisect_left(layers, place)
        alone = i == len(layers) or layers[i][0] != place[0]  # a stage without blocks
        found[name] = (place[0], 0, 0) if alone else layers[i]
    for name, place in behind.items():
        found[name] = layers[bisect_right(layers, place) - 1]
    return found


def layer_rates(
    model: nn.Module,
    decay_rate: float,
    decay_type: str = 'layer_wise',
    num_layers: Optional[int] = None,
) -> Dict[str, LayerRate]:
    """The factor on the learning rate of every parameter of a model.

    Neck and heads have factor 1, and so has what the backbone's published files do not hold: norms
    on its outputs and levels beyond the published ones. Going back from there, each layer has
    ``decay_rate`` times the factor of the one behind it; the stem comes last.

    Args:
        model: With one or more of our backbones anywhere in it.
        decay_rate: Above 0, up to 1.
        decay_type: ``'layer_wise'``; or ``'stage_wise'``: all layers of a stage count as one.
        num_layers: With ``'layer_wise'``: how many layers count between stem and neck, into which
            neighbours are gathered evenly; None: as many as there are (see :func:`layers_of`).

    Returns:
        By the parameter's name, in the model's order.

    Raises:
        ConfigError: A setting has a value that is not allowed, the model has none of our
            backbones, or its parameters have been flattened.
    """
    _check(decay_rate, decay_type, num_layers)
    rates = {name: LayerRate(NEW, 1.0) for name, _ in model.named_parameters()}
    if any(name.endswith('_flat_param') for name in rates):
        raise ConfigError('layer decay under FSDP needs use_orig_params=True in model_wrapper')
    clean = {name: WRAPPERS.sub('', name) for name in rates}
    found = False
    for path, backbone in model.named_modules():
        if not isinstance(backbone, HybridBackbone):
            continue
        found = True
        prefix = WRAPPERS.sub('', f'{path}.').lstrip('.')
        new = tuple(prefix + start for start in backbone.keys_not_in_pretrained)
        own = {
            name: text[len(prefix) :]
            for name, text in clean.items()
            if text.startswith(prefix) and not (new and text.startswith(new))
        }
        places = layers_of(own.values(), backbone.layers_before_blocks)
        scales = _scales(set(places.values()), decay_rate, decay_type, num_layers)
        for name, text in own.items():
            if text in places:
                place = places[text]
                rates[name] = LayerRate(prefix + _label(place, decay_type), scales[place])
    if not found:
        raise ConfigError('layer decay needs a backbone of hybrid_backbones, and there is none')
    return rates


def _check(decay_rate: float, decay_type: str, num_layers: Optional[int]) -> None:
    number = isinstance(decay_rate, (int, float)) and not isinstance(decay_rate, bool)
    if not number or not 0 < decay_rate <= 1:
        raise ConfigError(f'decay_rate must be a number above 0, up to 1, got {decay_rate!r}')
    if decay_type not in DECAY_TYPES:
        raise ConfigError(f'decay_type must be one of {", ".join(DECAY_TYPES)}, got {decay_type!r}')
    if num_layers is None:
        return
    if decay_type != 'layer_wise':
        raise ConfigError(f'num_layers is for layer_wise decay alone, got {num_layers!r}')
    if type(num_layers) is not int or num_layers < 1:
        raise ConfigError(f'num_layers must be None or a positive int, got {num_layers!r}')


def _scales(
    places: Iterable[Place], decay_rate: float, decay_type: str, num_layers: Optional[int]
) -> Dict[Place, float]:
    def unit(place: Place) -> Place:
        return (place[0], 0, 0) if decay_type == 'stage_wise' else place

    units = sorted({unit(place) for place in places})
    last = len(units) - 1  # the stem is 0
    steps = num_layers or last
    if steps > last:
        raise ConfigError(f'num_layers must be at most {last}, as many as there are, got {steps}')
    # rounded up: the stem alone has level 0
    levels = {u: -(-i * steps // last) if i else 0 for i, u in enumerate(units)}
    return {place: decay_rate ** (steps + 1 - levels[unit(place)]) for place in places}


def _label(place: Place, decay_type: str) -> str:
    stage, block, inner = place
    if stage < 0:
        return 'stem'
    if decay_type == 'stage_wise':
        return f'stages.{stage}'
    if block < 0:
        return f'stages.{stage} before its blocks'
    return f'stages.{stage}.blocks.{block}' + (f'.branches.*.{inner - 1}' if inner else '')


def describe(
    model: nn.Module,
    decay_rate: float,
    decay_type: str = 'layer_wise',
    num_layers: Optional[int] = None,
) -> str:
    """A table of all layers: factor on the learning rate, and how many numbers learn at it.

    Args and raises as :func:`layer_rates`.
    """
    rates = layer_rates(model, decay_rate, decay_type, num_layers)
    learnt: Dict[LayerRate, int] = {}
    for name, parameter in model.named_parameters():
        learnt.setdefault(rates[name], 0)
        learnt[rates[name]] += parameter.numel() if parameter.requires_grad else 0
    rows = [('layer', 'lr scale', 'learnt')]
    for rate in sorted(learnt, key=lambda rate: rate.scale):  # stable: else in the model's order
        rows.append((rate.layer, f'{rate.scale:.4f}', f'{learnt[rate]:,}'))
    return aligned_columns(rows, 'lrr')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's default constructor, whose learning rates are then decayed layer by layer.

    All settings of ``paramwise_cfg`` keep their meaning, ``lr_mult`` among them: the decay is one
    more factor. A schedule with an absolute ``eta_min`` above 0 raises small rates to it.

    Args:
        optim_wrapper_cfg: As in mmengine; its ``optimizer`` must have an ``lr``.
        paramwise_cfg: mmengine's settings, and those of :func:`layer_rates`: ``decay_rate`` always,
            ``decay_type`` and ``num_layers`` as wanted.

    Raises:
        ConfigError: A setting has a value that is not allowed.
    """

    base_lr: Optional[float]  # mmengine's, as paramwise_cfg is

    def __init__(
        self, optim_wrapper_cfg: Dict[str, Any], paramwise_cfg: Optional[Dict[str, Any]] = None
    ):
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        given = {key: self.paramwise_cfg[key] for key in OWN_SETTINGS if key in self.paramwise_cfg}
        self.decay: Dict[str, Any] = {'decay_rate': None, **given}
        _check(self.decay['decay_rate'], given.get('decay_type', 'layer_wise'), None)
        if self.base_lr is None:
            raise ConfigError('layer decay needs lr in optim_wrapper.optimizer')

    def add_params(
        self,
        params: List[Dict[str, Any]],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: Any = None,
    ) -> None:
        """The groups of mmengine's own rules; the outermost call, which has all, scales them."""
        super().add_params(params, module, prefix, is_dcn_module)
        if prefix:
            return
        base_lr = cast(float, self.base_lr)
        rates = layer_rates(module, **self.decay)
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        for group in params:
            (parameter,) = group['params']  # mmengine makes a group for each
            scale = rates[names[id(parameter)]].scale
            group['lr'] = group.get('lr', base_lr) * scale
        print_log(f'layer decay:\n{describe(module, **self.decay)}', logger='current')
