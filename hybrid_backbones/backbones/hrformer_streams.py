"""HRFormer's parallel streams: their modules, and the exchange at the end of each (section 3.2)."""

from typing import Any, Dict, Iterable, List, Sequence, Tuple, cast

import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import BlockStage, ConvBNAct, run_block

# how a stream is brought to a finer one's size: by the factor, then to the exact size
UPSAMPLING: Dict[str, Tuple[Dict[str, Any], Dict[str, Any]]] = {
    'nearest': (dict(mode='nearest'), dict(mode='bilinear', align_corners=True)),
    'bilinear': (
        dict(mode='bilinear', align_corners=False),
        dict(mode='bilinear', align_corners=False),
    ),
}


class Upsample(ConvBNAct):
    """Channels of a finer stream by a 1x1 convolution, then its size."""

    def __init__(self, in_dim: int, dim: int, factor: int, method: str):
        super().__init__(in_dim, dim, 1, act=None)
        self.factor = factor
        self.by_factor, self.to_size = UPSAMPLING[method]

    def forward(  # type: ignore[override]  # never called as the class that it shares layers with
        self, x: Tensor, size: Tuple[int, int]
    ) -> Tensor:
        """``(N, in_dim, h, w) -> (N, dim, *size)``."""
        x = F.interpolate(super().forward(x), scale_factor=self.factor, **self.by_factor)
        return x if x.shape[2:] == size else F.interpolate(x, size=size, **self.to_size)


class Downsample(nn.Sequential):
    """Depthwise strided convolutions to a coarser stream's size; the last one sets its channels."""

    def __init__(self, in_dim: int, dim: int, steps: int):
        layers = []
        for step in range(steps):
            last = step == steps - 1
            layers += [
                ConvBNAct(in_dim, in_dim, 3, stride=2, groups=in_dim, act=None),
                ConvBNAct(in_dim, dim if last else in_dim, 1, act=None if last else 'relu'),
            ]
        super().__init__(*layers)


class HRModule(nn.Module):
    """Blocks in every stream, then an exchange among the streams (section 3.2).

    Args:
        branches: Blocks of each stream.
        dims: Channels of each stream.
        outputs: The streams that come out.
        upsample: A key of ``UPSAMPLING``.
    """

    def __init__(
        self,
        branches: Sequence[Sequence[nn.Module]],
        dims: Sequence[int],
        outputs: Sequence[int],
        upsample: str,
    ):
        super().__init__()
        self.branches = nn.ModuleList(nn.ModuleList(blocks) for blocks in branches)
        self.fuse = nn.ModuleDict()
        for i in outputs:
            self.fuse[str(i)] = nn.ModuleList(
                Downsample(dims[j], dims[i], i - j)
                if j < i
                else Upsample(dims[j], dims[i], 2 ** (j - i), upsample)
                if j > i
                else nn.Identity()
                for j in range(len(dims))
            )

    def forward(self, streams: Sequence[Tensor], num_checkpointed: int = 0) -> List[Tensor]:
        """Each stream ``(N, C_i, H_i, W_i)`` to the wanted ones, of the same shapes.

        Args:
            streams: From the finest to the coarsest.
            num_checkpointed: How many blocks of each stream are computed again in the backward
                pass.
        """
        return self.exchange(
            [
                self._run_branch(blocks, stream, num_checkpointed)
                for blocks, stream in zip(cast(List[nn.ModuleList], self.branches), streams)
            ]
        )

    def _run_branch(self, blocks: Iterable[nn.Module], x: Tensor, num_checkpointed: int) -> Tensor:
        for i, block in enumerate(blocks):
            x = run_block(block, x, i < num_checkpointed)
        return x

    def exchange(self, streams: Sequence[Tensor]) -> List[Tensor]:
        """Each wanted stream: the sum of all, brought to its channels and size, then ReLU."""
        outs = []
        for key, layers in cast(Dict[str, nn.ModuleList], self.fuse).items():
            i = int(key)
            first, second, *others = (
                layer(stream, streams[i].shape[2:]) if j > i else layer(stream)
                for j, (layer, stream) in enumerate(zip(layers, streams))
            )
            total = first + second  # memory of its own: one of them is a stream
            for other in others:
                total.add_(other)
            outs.append(F.relu_(total))
        return outs


class HRStage(BlockStage):
    """Layers that begin new streams, and modules.

    Args:
        transition: By the stream that it begins, or replaces, a layer from the coarsest stream.
        modules: One after the other.
        num_checkpointed: How many of a stream's first blocks, over all modules, are computed again
            in the backward pass.
    """

    def __init__(
        self, transition: nn.ModuleDict, modules: Sequence[HRModule], num_checkpointed: int
    ):
        super().__init__()
        self.transition = transition
        self.blocks = nn.ModuleList(modules)
        self.num_checkpointed = num_checkpointed

    def forward(self, streams: Sequence[Tensor]) -> List[Tensor]:
        """The previous stage's streams to this one's, from the finest to the coarsest."""
        new = [layer(streams[-1]) for layer in self.transition.values()]
        kept = [stream for i, stream in enumerate(streams) if str(i) not in self.transition]
        outs = [*kept, *new]
        for module, count in zip(self.blocks, self._counts()):
            outs = module(outs, count)
        return outs

    def checkpointed_blocks(self) -> List[nn.Module]:
        return [
            block
            for branches, count in zip(self._branches(), self._counts())
            for branch in branches
            for block in list(branch)[:count]
        ]

    def _branches(self) -> List[List[nn.ModuleList]]:
        """The blocks of each module's streams."""
        return [list(module.branches) for module in cast(List[Any], self.blocks)]

    def _counts(self) -> List[int]:
        """How many blocks of each stream are checkpointed, module by module."""
        depths = [len(branches[0]) for branches in self._branches()]
        before = [sum(depths[:i]) for i in range(len(depths))]
        return [max(self.num_checkpointed - n, 0) for n in before]
