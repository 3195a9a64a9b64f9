"""Building a model with the library that its config is for."""

from importlib import import_module

from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torch import nn


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
