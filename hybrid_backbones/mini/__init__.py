"""Tiny datasets in the real on-disk formats, and the rule that shrinks a config onto them."""

from .coco import write_coco
from .shrink import shrink_config

__all__ = ['shrink_config', 'write_coco']
