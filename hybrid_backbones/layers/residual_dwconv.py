"""A depthwise convolution around which its input passes."""

from torch import Tensor, nn

from .depthwise import depthwise_conv2d


class ResidualDWConv(nn.Module):
    """``x + conv(x)``: a depthwise convolution of stride 1 that keeps the size, and a shortcut.

    It is no ``nn.Conv2d``: tools that fuse such layers with the norm behind them, or quantise them,
    would lose the shortcut.

    Args:
        dim: Channels in and out.
        kernel: Side of the kernel; odd.
    """

    def __init__(self, dim: int, kernel: int):
        super().__init__()
        drawn = nn.Conv2d(dim, dim, kernel, groups=dim)
        assert drawn.bias is not None
        self.dim, self.kernel = dim, kernel
        self.weight, self.bias = drawn.weight, drawn.bias

    def forward(self, x: Tensor) -> Tensor:
        """``(N, dim, H, W) -> (N, dim, H, W)``."""
        return x + depthwise_conv2d(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f'{self.dim}, kernel={self.kernel}'
