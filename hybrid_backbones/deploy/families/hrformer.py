"""HRFormer: every BatchNorm follows a convolution. Nothing is left."""

from functools import partial
from typing import Dict

from ...backbones.hrformer import ConvMlp, Upsample
from ..rules import Rule, fold_norms

RULES: Dict[type, Rule] = {
    ConvMlp: partial(fold_norms, fc1='norm1', dwconv='norm2', fc2='norm3'),
    Upsample: partial(fold_norms, conv='bn'),
}
