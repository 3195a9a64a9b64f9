"""Building a model with the library that its config is for."""

from importlib import import_module

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from ..errors import ConfigError

SCOPES = ('mmdet', 'mmseg', 'mmpose')


def build_in_scope(scope: str, cfg: ConfigDict) -> nn.Module:
    """Build a model, or a part of one, leaving the default scope of the process as it is.

    Args:
        scope: ``'mmdet'``, ``'mmseg'`` or ``'mmpose'``.
        cfg: What is built.

    Raises:
        ImportError: The library is not installed.
    """
    import_module(f'{scope}.utils').register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope(scope):
        return MODELS.build(cfg)


def build_on_meta(cfg: Config, name: str) -> nn.Module:
    """The model of a config, with shapes but without numbers.

    Args:
        cfg: Of mmdet, mmseg or mmpose.
        name: Of the config, for messages.

    Raises:
        ConfigError: The config has no model, one of another library, or one that cannot be built.
    """
    scope = cfg.get('default_scope')
    if scope not in SCOPES:
        raise ConfigError(
            f'{name}: default_scope must be one of {", ".join(SCOPES)}, got {scope!r}'
        )
    if not cfg.get('model'):
        raise ConfigError(f'{name} has no model')
    try:
        with torch.device('meta'):
            return build_in_scope(scope, cfg.model).eval()
    except Exception as error:  # whatever the config's classes raise
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise ConfigError(f'the model of {name} cannot be built: {reason}') from None
