"""From pixels or from one level's channels to the next level's."""

from typing import Optional

from torch import Tensor, nn

from .norms import LayerNorm2d
from .padding import pad_to_multiple


class PatchEmbed(nn.Module):
    """A strided convolution, then LayerNorm over channels.

    The input is zero-padded at right and bottom so that no partial patch is lost.

    Args:
        in_dim: Channels in.
        dim: Channels out.
        stride: In positions.
        kernel: In positions; ``stride`` (patches do not overlap) if None.
        padding: Of the convolution, in positions.
    """

    def __init__(
        self, in_dim: int, dim: int, stride: int, kernel: Optional[int] = None, padding: int = 0
    ):
        super().__init__()
        self.proj = nn.Conv2d(in_dim, dim, kernel or stride, stride=stride, padding=padding)
        self.norm = LayerNorm2d(dim, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_dim, H, W) -> (N, dim, ceil(H / stride), ceil(W / stride))``."""
        return self.norm(self.proj(pad_to_multiple(x, self.proj.stride[0])))
