"""Puts a backbone of ours into somebody's existing config, by a short config that inherits it."""

from .drop_in import DroppedIn, drop_in
from .plan import DropIn, plan
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
