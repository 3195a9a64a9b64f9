"""The light UniFormer's blocks and stages: a class token, and half of the tokens computed."""

from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from ..layers import Stage
from .token_pruning import halve_scores, update_all, update_pruned
from .uniformer_blocks import GlobalBlock


class TokenPruningBlock(GlobalBlock):
    """The block of the light variant: a class token, and scores that say which tokens count.

    Args:
        keep: Share of the tokens that are computed.
    """

    def __init__(self, dim: int, head_dim: int, mlp_ratio: float, drop_path: float, keep: float):
        super().__init__(dim, head_dim, mlp_ratio, drop_path, layer_scale=False)
        self.keep = keep

    def forward(  # type: ignore[override]  # its stage knows that it takes more than a map
        self, x: Tensor, cls: Tensor, scores: Optional[Tensor]
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """``(N, C, H, W)``, ``(N, 1, C)`` and ``(N, H * W)`` to the same of the next block."""
        x = self.pos_embed(x)
        size, tokens = x.shape[2:], x.flatten(2).transpose(1, 2)
        if scores is None or self.keep == 1:
            tokens, cls, scores = update_all(tokens, cls, self._update)
        else:
            tokens, cls, scores = update_pruned(tokens, cls, scores, self._update, self.keep)
        return tokens.transpose(1, 2).unflatten(2, size), cls, scores

    def _update(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        # not drop_path.add, which may overwrite a branch: both are returned, too
        attended, row = self.attn.with_first_row(self.norm1(x))
        x = x + self.drop_path(attended)
        transformed = self.mlp(self.norm2(x))
        return x + self.drop_path(transformed), attended + transformed, row


class TokenPruningStage(Stage):
    """A stage of :class:`TokenPruningBlock`: the first one begins a class token, the next goes on.

    Args:
        downsample: From the previous level's map to this one's.
        blocks: Of :class:`TokenPruningBlock`.
        num_checkpointed: How many of the first blocks are computed again in the backward pass.
        dim: Channels.
        in_dim: Channels of the previous stage's class token; None: this stage begins it.
    """

    def __init__(
        self,
        downsample: nn.Module,
        blocks: Sequence[nn.Module],
        num_checkpointed: int,
        dim: int,
        in_dim: Optional[int],
    ):
        super().__init__(downsample, blocks, num_checkpointed)
        if in_dim is None:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
            nn.init.trunc_normal_(self.cls_token, std=0.02)
        else:
            self.cls_proj = nn.Linear(in_dim, dim)

    def forward(  # type: ignore[override]  # its backbone knows that it takes more than a map
        self, x: Tensor, cls: Optional[Tensor] = None, scores: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor, Optional[Tensor]]:
        """Map ``(N, C, H, W)``, class token ``(N, 1, C)`` and scores ``(N, H * W)``, to the same.

        The first such stage takes the map alone.
        """
        size = x.shape[2:]
        x = self.downsample(x)
        if cls is None or scores is None:
            cls = self.cls_token.expand(x.shape[0], -1, -1)
        else:
            cls, scores = self.cls_proj(cls), halve_scores(scores, size)
        for i in range(len(self.blocks)):
            x, cls, scores = self.run_block(i, x, cls=cls, scores=scores)
        return x, cls, scores
