"""TransXNet: all but one BatchNorm of a block, and its layer scales.

What is left:

- ``mlp.norm1``: padded depthwise convolutions follow, and the padding has not its shift; before it
  is a GELU.
- ``scale1`` on the mixer's shortcut, as a plain factor: both terms of ``x + expand(y)`` are
  scaled, and ``x``, unscaled, is also what ``y`` is computed from.
"""

from typing import Dict, Tuple

from torch import Tensor, nn

from ....backbones.transxnet import Block, ChannelAffine, ReducedAttention
from ....layers import LayerScale
from ..affine import affine_of, fold_into
from ..heads import needs_padding, pad_outputs
from ..onednn import fold_activation
from ..rules import Rule


@affine_of.register(ChannelAffine)
def _(scale: ChannelAffine) -> Tuple[Tensor, Tensor]:
    return scale.weight.double().flatten(), scale.bias.double()


def fold_block(block: Block) -> Block:
    """Norms behind GELUs into the 1x1 convolution after, the others into the one before."""
    block.mixer.shortcut = _factor_of(block.scale1)
    fold_into(block, 'mixer.squeeze', before=['mixer.norm1'])
    fold_into(block, 'mixer.expand', before=['mixer.norm2'], after=['mixer.norm3', 'scale1'])
    fold_into(block, 'mlp.fc2', before=['mlp.norm2'], after=['mlp.norm3', 'scale2'])
    fold_activation(block.mixer, 'act', 'dwconv', 'squeeze')
    # behind what the depthwise convolutions return side by side, and so behind each of them
    parts = (f'dwconv.{i}' for i in range(len(block.mlp.dwconv)))
    fold_activation(block.mlp, 'act', 'fc1', *parts)
    return block


def _factor_of(scale: ChannelAffine) -> LayerScale:
    """A scale without its shift."""
    plain = LayerScale((1,), 1.0)
    plain.gamma = nn.Parameter(scale.weight.detach().reshape(1, -1, 1, 1))
    return plain


def align_heads(attention: ReducedAttention) -> ReducedAttention:
    """As :func:`align_self_attention`; nothing is projected behind it."""
    if needs_padding(attention.q, attention.head_dim):
        pad_outputs(attention.q, attention.head_dim)
        pad_outputs(attention.kv, attention.head_dim)
    return attention


RULES: Dict[type, Rule] = {Block: fold_block, ReducedAttention: align_heads}
