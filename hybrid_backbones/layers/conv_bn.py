"""Convolution, BatchNorm and activation."""

from functools import partial
from typing import Callable, Dict, Optional

from torch import Tensor, nn

from .norms import BatchNorm2d

# a ReLU in place needs no memory of its own, and no gradient needs what it overwrites
ACTIVATIONS: Dict[Optional[str], Callable[[], nn.Module]] = {
    None: nn.Identity,
    'relu': partial(nn.ReLU, inplace=True),
    'gelu': nn.GELU,
}


class ConvBNAct(nn.Module):
    """Convolution without bias, BatchNorm, and an activation if wanted.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel_size: Side of the kernel; padding keeps the size at stride 1.
        stride: In positions.
        groups: Of the convolution.
        act: ``'relu'``, ``'gelu'`` (the exact one) or None.
        eps: Of the BatchNorm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: Optional[str] = 'relu',
        eps: float = 1e-5,
    ):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = BatchNorm2d(out_channels, eps=eps)
        self.act = ACTIVATIONS[act]()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``, H / stride rounded up."""
        return self.act(self.bn(self.conv(x)))
