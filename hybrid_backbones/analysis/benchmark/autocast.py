"""Mixed precision in a benchmark, as training and testing have it."""

from typing import TYPE_CHECKING, Any, Dict, Optional

import torch
from torch import Tensor, nn

from ...deploy.autocast import cast_weights
from ...utils.mixed_precision import autocast_dtype

if TYPE_CHECKING:
    from .settings import Settings


class Autocast(nn.Module):
    """A network under autocast; what is done with its outputs is not.

    Args:
        module: The network, with weights in float32.
        dtype: What is cast to.
        cast: The module whose attribute ``backbone`` is built-in, if any is. Its weights are cast
            once for inference, as testing does it.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype, cast: Optional[nn.Module] = None):
        super().__init__()
        self.module = module
        self.dtype = dtype
        if cast is not None and not module.training:
            cast_weights(cast.get_submodule('backbone'), dtype)

    def forward(self, images: Tensor) -> Any:
        """What the network returns."""
        with torch.autocast(images.device.type, self.dtype):
            return self.module(images)


def autocast_dtype_of(settings: 'Settings') -> torch.dtype:
    """What matrix products are computed in, with and without autocast."""
    if settings.amp and settings.dtype == 'float32':
        return autocast_dtype(settings.device)
    dtype: torch.dtype = getattr(torch, settings.dtype)
    return dtype


def type_text(settings: Dict[str, Any]) -> str:
    """For a table."""
    if not settings.get('amp'):
        return str(settings['dtype'])
    if settings['dtype'] != 'float32':
        return f'{settings["dtype"]} amp'
    return f'{str(autocast_dtype(settings["device"])).rpartition(".")[2]} amp'
