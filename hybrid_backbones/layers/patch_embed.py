"""From pixels or from one level's channels to the next level's."""

from typing import Optional

from torch import Tensor, nn

from .norms import LayerNorm2d
from .padding import pad_to_multiple


class PatchEmbed(nn.Module):
    """A strided convolution, then LayerNorm over channels.

    The input is zero-padded at right and bottom so that no partial patch is lost.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        stride: In positions.
        kernel_size: In positions; ``stride`` (patches do not overlap) if None.
        padding: Of the convolution, in positions.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        kernel_size: Optional[int] = None,
        padding: int = 0,
    ):
        super().__init__()
        self.proj = nn.Conv2d(
            in_channels, out_channels, kernel_size or stride, stride=stride, padding=padding
        )
        self.norm = LayerNorm2d(out_channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``, H / stride rounded up."""
        return self.norm(self.proj(pad_to_multiple(x, self.proj.stride[0])))
