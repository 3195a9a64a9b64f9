"""The backbone that is looked into: built by its name, with the weights of a file."""

from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

import torch

from .. import backbones
from ..backbones.base import HybridBackbone
from ..config.load import load_config
from ..errors import ConfigError
from .configs import config_path, list_configs
from .names import resolve

RANDOM = 'random weights'


class Subject(NamedTuple):
    """A backbone in eval mode.

    Args:
        backbone: Ready to be called.
        name: As it was asked for.
        weights: Name of the file, or ``RANDOM``.
    """

    backbone: HybridBackbone
    name: str
    weights: str


def is_config(name: str) -> bool:
    """Whether a name is that of a config, rather than of a backbone."""
    return name.endswith('.py') or name in list_configs()


def find_config(name: str) -> str:
    """The file of a config, by its name or path."""
    return name if name.endswith('.py') else config_path(name)


def load_subject(
    name: str, weights: Optional[str] = None, options: Optional[Dict[str, Any]] = None
) -> Subject:
    """Build a backbone and load weights into it.

    Args:
        name: As :func:`hybrid_backbones.zoo.names.resolve` takes it; or the name or path of a config,
            whose backbone is taken with all its arguments but ``init_cfg``.
        weights: File or URL: anything that ``init_cfg`` takes, a detector's checkpoint too. None:
            random weights, the same in each call.
        options: Other arguments of the backbone.

    Raises:
        ConfigError: There is no such backbone or config, the config's is none of ours, or the
            backbone does not take the options.
        CheckpointError: The weights cannot be read or are of another backbone.
    """
    if is_config(name):
        arguments = backbone_arguments(name)
        family = arguments.pop('family')
    else:
        found = resolve(name)
        family, arguments = found.family, dict(found.options, arch=found.arch)
    arguments.update(options or {})
    if weights is not None:
        arguments['init_cfg'] = dict(type='Pretrained', checkpoint=weights)
    torch.manual_seed(0)
    try:
        backbone = getattr(backbones, family)(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(' '.join(str(error).split())) from None
    if weights is not None:
        backbone.init_weights()
    label = Path(name).stem if is_config(name) else name
    return Subject(backbone.eval(), label, Path(weights).name if weights else RANDOM)


def backbone_arguments(name: str) -> Dict[str, Any]:
    """The arguments of a config's backbone without ``init_cfg``, and its class name as ``family``.

    Raises:
        ConfigError: The config cannot be read, or its backbone is none of ours.
    """
    cfg = load_config(find_config(name))
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    kind = str(backbone.get('type'))
    family = kind.rpartition('hybrid_backbones.')[2]
    if not kind.startswith('hybrid_backbones.') or not hasattr(backbones, family):
        raise ConfigError(f'{name}: its backbone is {kind}, none of hybrid_backbones')
    arguments = backbone.to_dict()
    del arguments['type']
    arguments.update(family=family, init_cfg=None, with_cp=False)
    return arguments
