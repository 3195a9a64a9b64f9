"""CvT: every BatchNorm follows a depthwise convolution. Nothing is left.

Convolution and linear projection of queries, keys and values stay two: the class token goes
through the second alone.
"""

from functools import partial
from typing import Dict

from torch import nn

from ....backbones.cvt import QUICK_GELU, Block, DepthwiseConvBN
from ..affine import set_weights
from ..onednn import fold_activation
from ..rules import Rule, fold_norms


def fold_block(block: Block) -> Block:
    """``silu(a x) / a``: the factors into the layers before and behind."""
    mlp = block.mlp
    fc1, fc2 = mlp.fc1, mlp.fc2
    assert fc1.bias is not None and fc2.bias is not None
    set_weights(fc1, fc1.weight.double() * QUICK_GELU, fc1.bias.double() * QUICK_GELU)
    set_weights(fc2, fc2.weight.double() / QUICK_GELU, fc2.bias)
    mlp.act = nn.SiLU(inplace=True)
    fold_activation(mlp, 'act', 'fc1')
    return block


RULES: Dict[type, Rule] = {
    Block: fold_block,
    DepthwiseConvBN: partial(fold_norms, conv='bn'),
}
