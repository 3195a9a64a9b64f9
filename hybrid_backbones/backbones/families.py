"""The families that there are: the built-in ones, and those that other packages registered."""

from typing import Dict, List, Type

from ..registry import MODELS
from .base import HybridBackbone


def families() -> Dict[str, Type[HybridBackbone]]:
    """Every registered family by its class name, in alphabetical order.

    ``@hybrid_backbones.registry.MODELS.register_module()`` registers a subclass of
    :class:`HybridBackbone`, wherever it is defined.
    """
    registered = sorted(MODELS.module_dict.items())
    return {name: cls for name, cls in registered if issubclass(cls, HybridBackbone)}


def is_builtin_type(kind: object) -> bool:
    """Whether a config's ``type`` names a registered family: ``'hybrid_backbones.<family>'``."""
    scope, _, family = str(kind).rpartition('.')
    return scope == MODELS.scope and family in families()


def modules_of_other_packages() -> List[str]:
    """What another process has to import for the families that other packages registered."""
    own = __name__.partition('.')[0]
    modules = {family.__module__ for family in families().values()}
    return sorted(name for name in modules if name.partition('.')[0] != own)
