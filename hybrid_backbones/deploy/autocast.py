"""Weights for autocast, cast once."""

import torch
from torch import nn

from ..backbones import HybridBackbone
from ..layers import DepthwiseConv2d, Linear
from ..openmmlab.float_outputs import float_outputs
from .folding.fold import FoldedBackbone
from .folding.onednn import OneDNNConv2d, OneDNNDepthwiseConv2d, OneDNNLinear

# whose weights go nowhere but into an operation that autocast gives the smaller type
CAST = (
    *(nn.Conv2d, nn.Linear, DepthwiseConv2d, Linear),
    *(OneDNNConv2d, OneDNNDepthwiseConv2d, OneDNNLinear),
)


@torch.no_grad()
def cast_weights(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Keep the weights of convolutions and linear layers in autocast's type, **in place**.

    Under ``torch.autocast`` the numbers stay the same to the last bit, or are rounded less often,
    where a folded backbone's activations are taken before it. Autocast itself casts these
    weights at each call: what it remembers it forgets when it is left, and weights that need no
    gradient it does not remember at all. A vision backbone has as many weights as a small image
    has activations, so this is a good part of the time for a few small images, and half of the
    memory of the weights.

    Only for inference under autocast to the same type. Norms, layer scales and tables of positions
    stay as they are: autocast leaves them alone.

    Args:
        module: In eval mode.
        dtype: That autocast will cast to.

    Returns:
        ``module``.

    Example:
        >>> import torch
        >>> from hybrid_backbones import create_backbone, fold
        >>> backbone = fold(create_backbone('uniformer_xxs', out_indices=(0,)).eval())
        >>> image = torch.rand(1, 3, 64, 64)
        >>> with torch.autocast('cpu', torch.bfloat16):
        ...     (before,) = backbone(image)
        ...     (after,) = cast_weights(backbone, torch.bfloat16)(image)
        >>> torch.equal(before, after)
        True
    """
    for layer in module.modules():
        if type(layer) in CAST:
            for name, value in layer.named_parameters(recurse=False):
                setattr(layer, name, nn.Parameter(value.to(dtype), requires_grad=False))
    return module


def ready_for_autocast(model: nn.Module, device: str, dtype: torch.dtype) -> None:
    """Make a whole model ready for inference under autocast, **in place**.

    The backbone's weights are cast once, and on a CPU all heads give float32.

    Args:
        model: In eval mode; its backbone may be folded, or another's, which stays as it is.
        device: ``'cpu'`` or ``'cuda'``.
        dtype: That autocast will cast to.
    """
    backbone = getattr(model, 'backbone', None)
    if isinstance(backbone, (HybridBackbone, FoldedBackbone)):
        cast_weights(backbone, dtype)
    if device == 'cpu':
        float_outputs(model)
