"""CvT: every BatchNorm follows a depthwise convolution. Nothing is left.

Convolution and linear projection of queries, keys and values stay two: the class token goes
through the second alone.
"""

from functools import partial
from typing import Dict

from ...backbones.cvt import DepthwiseConvBN
from ..rules import Rule, fold_norms

RULES: Dict[type, Rule] = {DepthwiseConvBN: partial(fold_norms, conv='bn')}
