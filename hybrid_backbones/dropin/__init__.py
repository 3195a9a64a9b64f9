"""Puts a built-in backbone into an existing config, by a short config that inherits it."""

from .changes import DropIn
from .drop_in import DroppedIn, drop_in
from .plan import plan
from .source import Source, read_source
from .variants import Variant, find_variant

__all__ = [
    'DropIn',
    'DroppedIn',
    'Source',
    'Variant',
    'drop_in',
    'find_variant',
    'plan',
    'read_source',
]
