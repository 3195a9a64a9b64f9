"""What a stage of a pyramid is made of."""

from typing import Sequence

from torch import nn


class Stage(nn.Module):
    """Downsampling and blocks of one stage; the backbone runs them in turn."""

    def __init__(self, downsample: nn.Module, blocks: Sequence[nn.Module]):
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.ModuleList(blocks)
