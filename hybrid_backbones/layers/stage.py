"""A stage of a pyramid: what all stages share, and the plain one."""

from typing import Any, List, Sequence

from torch import Tensor, nn

from .checkpoint import run_block


class BlockStage(nn.Module):
    """Base of all stages: holds ``blocks`` and knows how many of them to checkpoint.

    A family whose stages hold more than downsampling and blocks subclasses it, registers ``blocks``
    and calls them through :meth:`run_block`.

    Attributes:
        blocks: The blocks, in order.
        num_checkpointed: How many of the first blocks are computed again in the backward pass.
    """

    blocks: nn.ModuleList
    num_checkpointed: int = 0

    def run_block(self, index: int, x: Tensor, **kwargs: Any) -> Any:
        """``blocks[index](x, **kwargs)``, checkpointed if it is one of the first few."""
        return run_block(self.blocks[index], x, index < self.num_checkpointed, **kwargs)

    def checkpointed_blocks(self) -> List[nn.Module]:
        """The blocks that are computed again in the backward pass."""
        return list(self.blocks)[: self.num_checkpointed]


class Stage(BlockStage):
    """Downsampling, then blocks, one after the other.

    Args:
        downsample: From the previous level's map to this one's.
        blocks: Each takes and returns a map.
        num_checkpointed: See :class:`BlockStage`.
    """

    def __init__(
        self, downsample: nn.Module, blocks: Sequence[nn.Module], num_checkpointed: int = 0
    ):
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.ModuleList(blocks)
        self.num_checkpointed = num_checkpointed

    def forward(self, x: Tensor) -> Tensor:
        """The previous level's map to this one's, both ``(N, C, H, W)``."""
        x = self.downsample(x)
        for i in range(len(self.blocks)):
            x = self.run_block(i, x)
        return x
