"""The two-layer perceptron of a transformer block."""

from typing import Callable, Union

from torch import Tensor, nn

from .linear import Linear
from .tiling import apply_in_tiles


class Mlp(nn.Module):
    """Expand, activate, contract (Vaswani et al. 2017, section 3.3).

    Args:
        dim: Channels in and out.
        hidden: Channels between.
        pointwise: Layer of one position: :class:`Linear` for ``(..., C)``, or a 1x1 convolution
            (``functools.partial(nn.Conv2d, kernel_size=1)``) for ``(N, C, H, W)``.
        act: The activation; ``nn.GELU`` is the exact one.
    """

    def __init__(
        self,
        dim: int,
        hidden: int,
        pointwise: Callable[[int, int], Union[nn.Linear, nn.Conv2d]] = Linear,
        act: Callable[[], nn.Module] = nn.GELU,
    ):
        super().__init__()
        self.ratio = hidden / dim
        self.fc1 = pointwise(dim, hidden)
        self.act = act()
        self.fc2 = pointwise(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        along = 2 if isinstance(self.fc1, nn.Conv2d) else 1
        return apply_in_tiles(self._run, x, dim=along, ratio=self.ratio)

    def _run(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))
