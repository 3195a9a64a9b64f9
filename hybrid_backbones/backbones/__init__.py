"""The backbones, one file a family, and the contract they share."""

from .base import HybridBackbone
from .cvt import CvT
from .hrformer import HRFormer
from .uniformer import UniFormer

__all__ = ['CvT', 'HRFormer', 'HybridBackbone', 'UniFormer']
