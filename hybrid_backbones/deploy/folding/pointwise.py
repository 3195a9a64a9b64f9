"""Linear layers where a CPU computes them fastest."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import is_compiling


class PointwiseLinear(nn.Linear):
    """A linear layer that is a 1x1 convolution on a CPU, for inference.

    torch multiplies matrices by one library there and convolves by another, oneDNN. Of the layers
    of this package, without gradients, oneDNN took between half and all of the other's time. With
    gradients it depends on the machine.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features) -> (..., out_features)``."""
        if not _convolves(x):
            return super().forward(x)
        rows = x.reshape(1, -1, 1, x.shape[-1]).permute(0, 3, 1, 2)
        out = F.conv2d(rows, self.weight[:, :, None, None], self.bias)
        return out.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)


def _convolves(x: Tensor) -> bool:
    mkldnn = torch.backends.mkldnn  # as torch still calls oneDNN
    return (
        not is_compiling()  # first: a graph cannot ask for oneDNN
        and x.device.type == 'cpu'
        and x.numel() > 0
        and x.dtype == torch.float32
        and mkldnn.is_available()
        and bool(mkldnn.enabled)
    )


def as_pointwise(linear: nn.Linear) -> PointwiseLinear:
    """The same layer, with the same weights."""
    pointwise = PointwiseLinear(
        linear.in_features, linear.out_features, linear.bias is not None, device='meta'
    )
    pointwise.weight, pointwise.bias = linear.weight, linear.bias
    return pointwise
