"""UniFormer's blocks: local aggregation by convolution, and self-attention (section 3)."""

from functools import partial
from typing import Sequence, Tuple

from torch import Tensor, nn

from ..layers import (
    BatchNorm2d,
    DepthwiseConv2d,
    DropPath,
    LayerScale,
    Mlp,
    ResidualDWConv,
    SelfAttention,
    Stage,
    window_partition,
    window_unpartition,
)

NORM_EPS = 1e-6  # of every LayerNorm but those of the patch embeddings
LAYER_SCALE_INIT = 1e-6

Conv1x1 = partial(nn.Conv2d, kernel_size=1)


class LocalAggregation(nn.Module):
    """Local multi-head relation aggregation: a learnt 5x5 affinity for each channel (eq. 5)."""

    def __init__(self, dim: int):
        super().__init__()
        self.value = Conv1x1(dim, dim)
        self.affinity = DepthwiseConv2d(dim, 5)
        self.proj = Conv1x1(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return self.proj(self.affinity(self.value(x)))


class LocalBlock(nn.Module):
    """Position encoding, local aggregation and MLP on a map, with BatchNorm (sections 3.1-3.4)."""

    def __init__(self, dim: int, mlp_ratio: float, drop_path: float, layer_scale: bool):
        super().__init__()
        self.pos_embed = ResidualDWConv(dim, 3)
        self.norm1 = BatchNorm2d(dim)
        self.attn = LocalAggregation(dim)
        self.norm2 = BatchNorm2d(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), pointwise=Conv1x1)
        self.drop_path = DropPath(drop_path)
        self.scale1, self.scale2 = _layer_scales((1, dim, 1, 1), layer_scale)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        x = self.pos_embed(x)
        x = self.drop_path.add(x, self.scale1(self.attn(self.norm1(x))))
        return self.drop_path.add(x, self.scale2(self.mlp(self.norm2(x))))


class GlobalBlock(nn.Module):
    """Position encoding on the map, self-attention and MLP on its tokens (sections 3.1-3.4)."""

    def __init__(
        self, dim: int, head_dim: int, mlp_ratio: float, drop_path: float, layer_scale: bool
    ):
        super().__init__()
        self.pos_embed = ResidualDWConv(dim, 3)
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = SelfAttention(dim, head_dim)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)
        self.scale1, self.scale2 = _layer_scales((dim,), layer_scale)

    def forward(self, x: Tensor, window: int = 0) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``.

        Args:
            x: The map.
            window: Attend within windows of this many positions a side; 0: over the whole map.
        """
        x = self.pos_embed(x)
        x = x.permute(0, 2, 3, 1)
        x = self.drop_path.add(x, self.scale1(self._attend(self.norm1(x), window)))
        x = self.drop_path.add(x, self.scale2(self.mlp(self.norm2(x))))
        return x.permute(0, 3, 1, 2)

    def _attend(self, x: Tensor, window: int) -> Tensor:
        """``(N, H, W, dim) -> (N, H, W, dim)``; a window's padding takes part, as zeros."""
        if not window:
            return self.attn(x.flatten(1, 2)).view(x.shape)
        tokens, grid = window_partition(x, window)
        return window_unpartition(self.attn(tokens), window, grid, x.shape[1:3])


class GlobalStage(Stage):
    """A stage of :class:`GlobalBlock`."""

    def forward(self, x: Tensor, windows: Sequence[int] = ()) -> Tensor:
        """The previous level's map to this one's, both ``(N, C, H, W)``.

        Args:
            x: The map.
            windows: Side of each block's window in positions; 0, or none given: the whole map.
        """
        x = self.downsample(x)
        for i, window in enumerate(windows or [0] * len(self.blocks)):
            x = self.run_block(i, x, window=window)
        return x


def _layer_scales(shape: Tuple[int, ...], wanted: bool) -> Tuple[nn.Module, nn.Module]:
    if not wanted:
        return nn.Identity(), nn.Identity()
    return LayerScale(shape, LAYER_SCALE_INIT), LayerScale(shape, LAYER_SCALE_INIT)
