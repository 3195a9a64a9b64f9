"""A depthwise convolution around which its input passes."""

from torch import Tensor, nn


class ResidualDWConv(nn.Conv2d):
    """``x + conv(x)``: a depthwise convolution of stride 1 that keeps the size, and a shortcut.

    Args:
        dim: Channels in and out.
        kernel: Side of the kernel; odd.
    """

    def __init__(self, dim: int, kernel: int):
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return x + super().forward(x)
