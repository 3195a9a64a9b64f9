"""Small modules that two or more families share."""

from .attention import SelfAttention, attend
from .bands import by_bands
from .checkpointing import checkpoint_block
from .conv_bn import ConvBN
from .drop_path import DropPath, drop_path_rates
from .factored_bias import FactoredBias
from .init import init_linear
from .layout import nchw, working_layout
from .mlp import Mlp
from .norms import BatchNorm2d, GroupNorm, LayerNorm2d, LayerScale
from .padding import pad_to_multiple
from .patch_embed import PatchEmbed
from .residual_conv import ResidualConv
from .stage import Stage
from .tracing import is_compiling, is_exporting, is_recorded
from .windows import merge_windows, split_windows

__all__ = [
    'BatchNorm2d',
    'ConvBN',
    'DropPath',
    'FactoredBias',
    'GroupNorm',
    'LayerNorm2d',
    'LayerScale',
    'Mlp',
    'PatchEmbed',
    'ResidualConv',
    'SelfAttention',
    'Stage',
    'attend',
    'by_bands',
    'checkpoint_block',
    'drop_path_rates',
    'init_linear',
    'is_compiling',
    'is_exporting',
    'is_recorded',
    'merge_windows',
    'nchw',
    'pad_to_multiple',
    'split_windows',
    'working_layout',
]
