"""Small modules that two or more families share."""

from .attention import SelfAttention, attend
from .checkpointing import checkpoint_block
from .drop_path import DropPath, drop_path_rates
from .mlp import Mlp
from .norms import LayerNorm2d, LayerScale
from .padding import pad_to_multiple
from .windows import merge_windows, split_windows

__all__ = [
    'DropPath',
    'LayerNorm2d',
    'LayerScale',
    'Mlp',
    'SelfAttention',
    'attend',
    'checkpoint_block',
    'drop_path_rates',
    'merge_windows',
    'pad_to_multiple',
    'split_windows',
]
