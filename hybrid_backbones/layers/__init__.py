"""Small modules that two or more families share."""

from .attention import (
    ScaledDotProductAttention,
    SelfAttention,
    scaled_dot_product_attention,
)
from .autocast import autocasts_on_cpu
from .checkpoint import checkpoint_block, run_block
from .conv_bn import ConvBNAct
from .depthwise import DepthwiseConv2d, depthwise_conv2d
from .drop_path import DropPath, drop_path_rates
from .init import init_linear
from .linear import Linear
from .low_rank_bias import LowRankBias
from .memory_format import prefers_channels_last, to_nchw, to_preferred_format
from .mlp import Mlp
from .norms import BatchNorm2d, GroupNorm, LayerNorm2d, LayerScale
from .padding import pad_to_multiple
from .patch_embed import PatchEmbed
from .residual_dwconv import ResidualDWConv
from .stage import BlockStage, Stage
from .tiling import apply_in_tiles
from .tracing import is_compiling, is_exporting, needs_graph
from .windows import window_partition, window_unpartition

__all__ = [
    'BatchNorm2d',
    'BlockStage',
    'ConvBNAct',
    'DepthwiseConv2d',
    'DropPath',
    'GroupNorm',
    'LayerNorm2d',
    'LayerScale',
    'Linear',
    'LowRankBias',
    'Mlp',
    'PatchEmbed',
    'ResidualDWConv',
    'ScaledDotProductAttention',
    'SelfAttention',
    'Stage',
    'apply_in_tiles',
    'autocasts_on_cpu',
    'checkpoint_block',
    'depthwise_conv2d',
    'drop_path_rates',
    'init_linear',
    'is_compiling',
    'is_exporting',
    'needs_graph',
    'pad_to_multiple',
    'prefers_channels_last',
    'run_block',
    'scaled_dot_product_attention',
    'to_nchw',
    'to_preferred_format',
    'window_partition',
    'window_unpartition',
]
