"""The sixth family for a while: registered as other packages register theirs, then no more."""

import sys
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Dict, Iterator

from hybrid_backbones.analysis.interpret.attention_layouts import LAYOUTS
from hybrid_backbones.backbones import families  # noqa: F401  # the five are there before
from hybrid_backbones.deploy.exporting.dynamic_shapes import VARIANTS
from hybrid_backbones.deploy.folding.families import RULES
from hybrid_backbones.dropin import find_variant
from hybrid_backbones.registry import MODELS
from hybrid_backbones.weights import KEY_MAPPINGS, PRETRAINED

PACKAGE = 'tests.sixth_family.tiny_hybrid'


def registries() -> Dict[str, Any]:
    """Everything that a family can be registered in."""
    return dict(
        models=MODELS.module_dict,
        key_mappings=KEY_MAPPINGS,
        pretrained=PRETRAINED,
        fold_rules=RULES,
        any_size=VARIANTS,
        attention_layouts=LAYOUTS,
    )


@contextmanager
def sixth_family() -> Iterator[Any]:
    """Import the package with the family; afterwards the registries are as before.

    The next import registers it again: modules that are imported once only would not.
    """
    before = {name: registry.copy() for name, registry in registries().items()}
    try:
        yield import_module(PACKAGE)
    finally:
        for name, registry in registries().items():
            registry.clear()
            getattr(registry, 'update', getattr(registry, 'extend', None))(before[name])
        for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
            del sys.modules[name]
        find_variant.cache_clear()  # it keeps backbones by their names
