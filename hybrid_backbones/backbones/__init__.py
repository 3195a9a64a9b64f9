"""The backbones, one file a family, and the contract they share."""

from .base import HybridBackbone
from .uniformer import UniFormer

__all__ = ['HybridBackbone', 'UniFormer']
