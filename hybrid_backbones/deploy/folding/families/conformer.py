"""Conformer: every BatchNorm follows a convolution. Nothing is left.

And the sums of the CNN branch, its largest maps, take the memory of one of their terms.
"""

from functools import partial
from typing import Dict, Optional, Tuple

from torch import Tensor, nn

from ....backbones.conformer import ConvBlock, CouplingBlock, FCUUp, FirstStage, LaterStage, Stem
from ....layers import needs_graph
from ...subclass import as_subclass
from ..inplace import add_rectified
from ..rules import Rule, fold_norms


class OverwritingConvBlock(ConvBlock):
    """A bottleneck whose output is where its input was: for inputs that nobody else needs."""

    def forward(self, x: Tensor, features: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        """As :class:`ConvBlock`; without gradients, ``x`` is overwritten."""
        if needs_graph():
            return super().forward(x, features)
        inner = self.conv1(x)
        if features is not None:
            inner.add_(features)
        inner = self.conv2(inner)
        return add_rectified(x, self.conv3, inner), inner


def overwrite(block: ConvBlock) -> ConvBlock:
    """Where a map goes round the block unchanged."""
    if isinstance(block.shortcut, nn.Identity):
        return as_subclass(block, OverwritingConvBlock)
    return block


def fold_coupling(block: CouplingBlock) -> CouplingBlock:
    """The second half of a block alone gets what the first one returns."""
    block.fusion = overwrite(block.fusion)
    return block


def fold_first_stage(stage: FirstStage) -> FirstStage:
    """All blocks get what another one returns."""
    for block in stage.blocks:
        assert isinstance(block, CouplingBlock)
        block.cnn = overwrite(block.cnn)
    return stage


def fold_later_stage(stage: LaterStage) -> LaterStage:
    """All blocks but the first, which gets what may be a level of the backbone."""
    for block in stage.blocks[1:]:
        assert isinstance(block, CouplingBlock)
        block.cnn = overwrite(block.cnn)
    return stage


RULES: Dict[type, Rule] = {
    CouplingBlock: fold_coupling,
    FirstStage: fold_first_stage,
    LaterStage: fold_later_stage,
    Stem: partial(fold_norms, conv='bn'),
    FCUUp: partial(fold_norms, proj='bn'),
}
