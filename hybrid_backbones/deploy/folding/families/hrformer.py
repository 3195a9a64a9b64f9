"""HRFormer: every BatchNorm follows a convolution. Nothing is left.

And the sums of the first stage take the memory of one of their terms.
"""

from functools import partial
from typing import Dict

from torch import Tensor

from ....backbones.hrformer import Bottleneck, ConvMlp
from ....backbones.hrformer_streams import Upsample
from ....layers import needs_graph
from ...subclass import as_subclass
from ..inplace import add_rectified
from ..onednn import fold_activation
from ..rules import Rule, fold_norms


class OverwritingBottleneck(Bottleneck):
    """A bottleneck whose output is where its shortcut was: nobody else gets its input."""

    def forward(self, x: Tensor) -> Tensor:
        """As :class:`Bottleneck`; without gradients, ``x`` may be overwritten."""
        if needs_graph():
            return super().forward(x)
        inner = self.conv2(self.conv1(x))
        return add_rectified(self.downsample(x), self.conv3, inner)


def overwrite(bottleneck: Bottleneck) -> OverwritingBottleneck:
    """The same weights."""
    return as_subclass(bottleneck, OverwritingBottleneck)


def fold_conv_mlp(mlp: ConvMlp) -> ConvMlp:
    """Every layer with the norm and the GELU behind it."""
    fold_norms(mlp, fc1='norm1', dwconv='norm2', fc2='norm3')
    fold_activation(mlp, 'act', 'fc1', 'dwconv', 'fc2')
    return mlp


RULES: Dict[type, Rule] = {
    Bottleneck: overwrite,
    ConvMlp: fold_conv_mlp,
    Upsample: partial(fold_norms, conv='bn'),
}
