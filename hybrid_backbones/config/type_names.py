"""The names of classes that a config spells out.

Pure-Python configs have classes for ``type``, which mmengine writes as dotted names: where it dumps
them, and where it makes plain values of them. OpenMMLab's inferencers, and checks of configs, look
for the names in the registries; and a few dotted names cannot be resolved at all, since a package
has a function of its module's name (``mmdet.models.losses.smooth_l1_loss.L1Loss``).
"""

import sys
from importlib import import_module
from typing import Any, Iterator, Optional, Tuple

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry

from ..utils.packages import LIBRARIES
from .traverse import walk


def use_registered_names(content: Any) -> None:
    """Name the classes in a config as the registries do, and say which library it is for.

    Args:
        content: The config as plain values; changed in place. Names without a module, and what is
            in no registry, stay as they are.
    """
    model = content.get('model')
    package = str(model.get('type')).partition('.')[0] if isinstance(model, dict) else ''
    if not content.get('default_scope') and package in LIBRARIES:
        content['default_scope'] = package
    scope = str(content.get('default_scope'))
    for _, node in walk(content):
        kind = node.get('type')
        if isinstance(kind, str) and kind.count('.') > 1:
            node['type'] = _name_of(kind, scope) or kind


def _name_of(dotted: str, scope: str) -> Optional[str]:
    module, _, name = dotted.rpartition('.')
    try:
        cls = getattr(import_module(module), name, None)
    except ImportError:  # it is none, or needs a package; whoever builds it will say so
        return None
    for registry, key in _entries(cls, scope):
        local = next((child for child in _family(registry) if child.scope == scope), registry)
        # a library may have a class of its own by that name
        return key if local.get(key) is cls else f'{registry.scope}.{key}'
    return None


def _entries(cls: Any, scope: str) -> Iterator[Tuple[Registry, str]]:
    """Where a class is registered, and by which name."""
    if not isinstance(cls, type):
        return
    # a library has some of its own, which are in no tree
    places = (mmengine_registry, sys.modules.get(f'{scope}.registry'))
    for root in (value for place in places if place for value in vars(place).values()):
        for registry in _family(root) if isinstance(root, Registry) else ():
            for key, value in registry.module_dict.items():
                if value is cls:
                    yield registry, key


def _family(registry: Registry) -> Iterator[Registry]:
    """A registry's whole tree."""
    while registry.parent is not None:
        registry = registry.parent
    pending = [registry]
    while pending:
        each = pending.pop()
        yield each
        pending += each.children.values()
