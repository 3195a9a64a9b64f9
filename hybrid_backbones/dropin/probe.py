"""What a backbone or a neck gives: found by building it and sending an image through."""

import copy
import json
from typing import Any, Callable, Dict, List, Sequence, Tuple

import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn

from ..backbones.levels import Level
from ..openmmlab.build import build_in_scope

SIDE = 512  # of the image, in pixels: a multiple of all strides


class NotFeatureMapsError(ValueError):
    """Something gives other things than a list of feature maps."""


def without_weights(cfg: Any) -> Any:
    """A copy in which nothing is to be loaded, and no norm asks for several processes."""
    if isinstance(cfg, dict):
        cfg = {key: without_weights(value) for key, value in cfg.items()}
        if cfg.get('type') == 'MMSyncBN':
            cfg['type'] = 'BN'
        for key in ('init_cfg', 'pretrained'):
            if key in cfg:
                cfg[key] = None
        return cfg
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(without_weights(value) for value in cfg)
    return copy.copy(cfg)


def build(scope: str, cfg: Any, device: str = 'meta') -> nn.Module:
    """Build a part of a model with random weights, for evaluation."""
    cfg = _as_config(without_weights(cfg))
    try:
        with torch.device(device):
            module = build_in_scope(scope, copy.deepcopy(cfg))
    except Exception:  # a constructor that looks at numbers, as Swin's does
        if device == 'cpu':
            raise
        module = build_in_scope(scope, cfg).to(device)
    return _eval(module)


def levels_of_backbone(scope: str, cfg: Any) -> List[Level]:
    """The levels that a backbone gives.

    Raises:
        NotFeatureMapsError: It gives something else.
        Exception: Whatever its code raises.
    """
    given = cfg.get('img_size')  # a plain transformer may take one size only
    given = given[0] if isinstance(given, (list, tuple)) else given
    side = given if isinstance(given, int) else SIDE
    return _probe(scope, cfg, lambda device: torch.zeros(1, 3, side, side, device=device), side)


def levels_of_neck(scope: str, cfg: Any, levels: Sequence[Level]) -> List[Level]:
    """The levels that a neck gives for those that it gets; see :func:`levels_of_backbone`."""

    def maps(device: str) -> Tuple[Tensor, ...]:
        return tuple(
            torch.zeros(1, level.channels, *[max(round(SIDE / level.stride), 1)] * 2, device=device)
            for level in levels
        )

    return _probe(scope, cfg, maps, SIDE)


_KNOWN: Dict[str, List[Level]] = {}


def _probe(scope: str, cfg: Any, inputs: Callable[[str], Any], side: int) -> List[Level]:
    """On the meta device, where nothing is computed; on the CPU if something needs numbers."""
    given = [(t.shape[1], t.shape[2]) for t in _tensors(inputs('meta'))]
    key = json.dumps([scope, without_weights(cfg), given], sort_keys=True, default=str)
    if key not in _KNOWN:
        try:
            _KNOWN[key] = _run(build(scope, cfg, 'meta'), inputs('meta'), side)
        except NotFeatureMapsError:
            raise
        except Exception:  # a compiled operator, or code that looks at values
            _KNOWN[key] = _run(build(scope, cfg, 'cpu'), inputs('cpu'), side)
    return list(_KNOWN[key])


def _run(module: nn.Module, inputs: Any, side: int) -> List[Level]:
    with torch.no_grad():
        return [
            Level(tensor.shape[1], _whole(side / tensor.shape[3]))
            for tensor in _maps(module(inputs))
        ]


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def _maps(output: Any) -> List[Tensor]:
    maps = [output] if isinstance(output, Tensor) else output
    if not isinstance(maps, (list, tuple)) or not all(
        isinstance(m, Tensor) and m.dim() in (2, 4) for m in maps
    ):
        raise NotFeatureMapsError('it gives other things than one list of feature maps')
    return [m if m.dim() == 4 else m[:, :, None, None] for m in maps]


def _tensors(value: Any) -> List[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value)


def _as_config(cfg: Any) -> Any:
    return ConfigDict(cfg) if isinstance(cfg, dict) else cfg


def _eval(module: nn.Module) -> nn.Module:
    module.eval()  # the train() of some of OpenMMLab's returns nothing
    module.requires_grad_(False)  # torch's counter of operations stumbles over learnt queries
    return module
