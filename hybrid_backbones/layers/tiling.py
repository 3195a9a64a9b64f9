"""Large maps a band at a time, so that what is only needed in between stays small."""

from typing import Callable, Optional

import torch
from torch import Tensor

from .tracing import needs_graph

# of what is held in between: glibc asks the system for what is larger than 32 MiB afresh each time
BAND_BYTES = 24 * 2**20


def apply_in_tiles(
    function: Callable[[Tensor], Tensor], x: Tensor, dim: int, ratio: float, halo: int = 0
) -> Tensor:
    """``function(x)``; on a CPU, where nothing is recorded, one band of a large ``x`` at a time.

    Fresh memory is dear on a CPU, the system hands it out in small pages that it zeroes first. A
    band's is used again by the next one.

    Args:
        function: Its output has the shape of its input. At a position along ``dim`` it depends on
            the positions up to ``halo`` away, of the same image, and on zeros beyond the border.
        x: Images along dimension 0.
        dim: The dimension to cut, of the images' own.
        ratio: How many numbers ``function`` holds in between for each number of ``x``.
        halo: See ``function``.

    Returns:
        As ``function``.
    """
    if x.device.type != 'cpu' or needs_graph() or ratio * x.nbytes <= BAND_BYTES:
        return function(x)
    length = x.shape[dim]
    step = max(int(length * len(x) * BAND_BYTES / (ratio * x.nbytes)), 4 * halo, 1)
    out: Optional[Tensor] = None
    for n, image in enumerate(x.split(1)):
        for start in range(0, length, step):
            stop = min(start + step, length)
            first, last = max(start - halo, 0), min(stop + halo, length)
            band = function(image.narrow(dim, first, last - first))
            if out is None:  # now its type is known, which autocast may have changed
                out = torch.empty_like(x, dtype=band.dtype)
            out[n : n + 1].narrow(dim, start, stop - start).copy_(
                band.narrow(dim, start - first, stop - start)
            )
    assert out is not None  # x is large
    return out
