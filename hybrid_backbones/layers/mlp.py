"""The two-layer perceptron of a transformer block."""

from torch import Tensor, nn


class Mlp(nn.Module):
    """Expand, exact GELU, contract (Vaswani et al. 2017, section 3.3).

    Args:
        dim: Channels in and out.
        hidden: Channels between.
        pointwise: Layer of one position: ``nn.Linear`` for ``(..., C)``, or a 1x1 convolution
            (``functools.partial(nn.Conv2d, kernel_size=1)``) for ``(N, C, H, W)``.
    """

    def __init__(self, dim: int, hidden: int, pointwise=nn.Linear):
        super().__init__()
        self.fc1 = pointwise(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = pointwise(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        return self.fc2(self.act(self.fc1(x)))
