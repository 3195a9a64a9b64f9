"""TinyHybrid: every BatchNorm and every layer scale. Nothing is left.

Those of stem and downsampling are in modules that families share.
"""

from typing import Dict

from hybrid_backbones.deploy.folding.affine import fold_into
from hybrid_backbones.deploy.folding.rules import Rule
from tests.sixth_family.tiny_hybrid.backbone import ConvBlock


def fold_block(block: ConvBlock) -> ConvBlock:
    """The norm into the convolution before it, the layer scale into the MLP."""
    fold_into(block, 'dwconv', after=['norm'])
    fold_into(block, 'mlp.fc2', after=['scale'])
    return block


RULES: Dict[type, Rule] = {ConvBlock: fold_block}
