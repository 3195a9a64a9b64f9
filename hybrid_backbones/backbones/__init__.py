"""The backbones, one file a family, and the contract they share."""

from .base import HybridBackbone
from .conformer import Conformer
from .cvt import CvT
from .families import families
from .hrformer import HRFormer
from .transxnet import TransXNet
from .uniformer import UniFormer

__all__ = ['Conformer', 'CvT', 'HRFormer', 'HybridBackbone', 'TransXNet', 'UniFormer', 'families']
