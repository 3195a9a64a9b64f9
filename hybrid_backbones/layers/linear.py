"""Linear layers by the faster of a CPU's two libraries, with their gradients."""

import platform
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.cpuinfo import capability, cpuinfo
from .autocast import autocasts_on_cpu
from .tracing import is_compiling

INTEL = 'GenuineIntel'


class Linear(nn.Linear):
    """A linear layer that is a 1x1 convolution where that takes half of the time.

    On a CPU torch multiplies matrices by MKL and convolves by oneDNN. MKL leaves the wide vectors
    of other makers' processors unused: forward pass and gradients took 1.2 to 2 times as long on
    an EPYC. On Intel's they are equal.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features) -> (..., out_features)``."""
        if not _convolves(x):
            return super().forward(x)
        rows = x.reshape(1, 1, -1, x.shape[-1]).permute(0, 3, 1, 2)
        out = F.conv2d(rows, self.weight[:, :, None, None], self.bias)
        return out.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)


def _convolves(x: Tensor) -> bool:
    mkldnn = torch.backends.mkldnn  # as torch still calls oneDNN
    return (
        not is_compiling()  # first: a graph cannot ask for the rest
        and not torch.jit.is_tracing()
        and x.device.type == 'cpu'
        and x.dtype == torch.float32
        and x.numel() > 0
        and mkl_is_slow()
        and torch.get_num_threads() > 1  # with one, torch does not convolve by oneDNN
        and bool(mkldnn.enabled)
        and not autocasts_on_cpu()
    )


@cache
def mkl_is_slow() -> bool:
    """Whether oneDNN multiplies matrices faster: AVX-512 on a processor that is not Intel's."""
    return (
        torch.backends.mkl.is_available()
        and torch.backends.mkldnn.is_available()
        and capability() == 'AVX512'
        and INTEL not in _maker()
    )


def _maker() -> str:
    """What the processor calls its maker; Intel's, if nothing tells."""
    # Windows names the maker in the second
    return cpuinfo('vendor_id') or platform.processor() or INTEL
