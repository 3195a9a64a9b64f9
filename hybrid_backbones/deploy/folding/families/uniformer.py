"""UniFormer: every BatchNorm and every layer scale. Nothing is left.

BatchNorms of local blocks go into the 1x1 convolutions behind them. LayerNorms stay: their
statistics are each image's own.
"""

from typing import Dict

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ....backbones.uniformer import ConvEmbed
from ....backbones.uniformer_blocks import GlobalBlock, LocalBlock
from ..affine import fold_into
from ..onednn import fold_activation
from ..rules import Rule


def fold_embed(embed: ConvEmbed) -> ConvEmbed:
    """Convolutions, each with a BatchNorm behind it, and GELUs behind some of those."""
    for i, layer in enumerate(embed.proj):
        if isinstance(layer, _BatchNorm):
            fold_into(embed, f'proj.{i - 1}', after=[f'proj.{i}'])
    for i, layer in enumerate(embed.proj):
        if isinstance(layer, nn.GELU):
            fold_activation(embed, f'proj.{i}', f'proj.{i - 2}')
    return embed


def fold_local_block(block: LocalBlock) -> LocalBlock:
    """Norms into the 1x1 convolutions behind them, layer scales into those before."""
    fold_into(block, 'attn.value', before=['norm1'])
    fold_into(block, 'attn.proj', after=['scale1'])
    fold_into(block, 'mlp.fc1', before=['norm2'])
    fold_into(block, 'mlp.fc2', after=['scale2'])
    return block


def fold_global_block(block: GlobalBlock) -> GlobalBlock:
    """Layer scales, where the arch has them."""
    fold_into(block, 'attn.proj', after=['scale1'])
    fold_into(block, 'mlp.fc2', after=['scale2'])
    return block


RULES: Dict[type, Rule] = {
    ConvEmbed: fold_embed,
    GlobalBlock: fold_global_block,
    LocalBlock: fold_local_block,
}
