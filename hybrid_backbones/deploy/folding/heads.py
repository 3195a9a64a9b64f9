"""Attention heads as wide as GPUs' fused kernels want them, by zeros in the weights.

Queries, keys and values of another width are padded at every call (``layers/fused_attention.py``
says what kernels ask for). Zeros in the layers that make them are the same numbers without those
copies. On a CPU no kernel asks, and wider heads only take longer.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import SelfAttention
from ...layers.fused_attention import HEAD_WIDTH
from ...layers.gpu import runs_on_gpu
from .affine import Layer, set_weights


def align_self_attention(attention: SelfAttention) -> SelfAttention:
    """Pad the heads of queries, keys and values, and what the projection takes."""
    width = attention.head_dim
    if needs_padding(attention.qkv, width):
        pad_outputs(attention.qkv, width)
        pad_inputs(attention.proj, width)
        attention.head_dim = width + _missing(width)
    return attention


def needs_padding(layer: Layer, width: int) -> bool:
    """Whether ``layer`` is on a GPU whose kernels do not take heads of ``width`` channels."""
    return runs_on_gpu(layer.weight) and _missing(width) > 0


def _missing(width: int) -> int:
    """Channels that a head lacks for any type: what is folded may be converted later."""
    return -width % HEAD_WIDTH


def pad_outputs(layer: Layer, width: int) -> None:
    """Put zeros behind each ``width`` channels that a layer returns; it has a bias."""
    assert layer.bias is not None
    weight = layer.weight.flatten(1).unflatten(0, (-1, width))  # (heads, width, in)
    weight = F.pad(weight, (0, 0, 0, _missing(width))).flatten(0, 1)
    bias = F.pad(layer.bias.unflatten(0, (-1, width)), (0, _missing(width))).flatten()
    _set(layer, weight, bias)


def pad_inputs(layer: nn.Linear, width: int) -> None:
    """Take channels with something behind each ``width`` of them, which does not count."""
    weight = layer.weight.unflatten(1, (-1, width))
    _set(layer, F.pad(weight, (0, _missing(width))).flatten(1), layer.bias)


def _set(layer: Layer, weight: Tensor, bias: Tensor) -> None:
    """Give a pointwise layer weights ``(out, in)`` of another shape."""
    names = ('out_features', 'in_features')
    if not isinstance(layer, nn.Linear):
        names = ('out_channels', 'in_channels')
    for name, size in zip(names, weight.shape):
        setattr(layer, name, size)
    set_weights(layer, weight.reshape(*weight.shape, *layer.weight.shape[2:]), bias)
