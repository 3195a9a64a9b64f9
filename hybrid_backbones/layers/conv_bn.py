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
        in_dim: Channels in.
        dim: Channels out.
        kernel: Side of the kernel; padding keeps the size at stride 1.
        stride: In positions.
        groups: Of the convolution.
        act: ``'relu'``, ``'gelu'`` (the exact one) or None.
        eps: Of the BatchNorm.
    """

    def __init__(
        self,
        in_dim: int,
        dim: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: Optional[str] = 'relu',
        eps: float = 1e-5,
    ):
        super().__init__()
        self.conv = nn.Conv2d(
            in_dim, dim, kernel, stride, padding=kernel // 2, groups=groups, bias=False
        )
        self.bn = BatchNorm2d(dim, eps=eps)
        self.act = ACTIVATIONS[act]()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_dim, H, W) -> (N, dim, ceil(H / stride), ceil(W / stride))``."""
        return self.act(self.bn(self.conv(x)))
