"""What torch's fused attention kernels for GPUs ask of their inputs, and inputs made that way.

Where they refuse, torch writes out the scores, in float32, without a word. Their conditions, from
``sdp_utils.cpp`` and ``attention.cu`` of torch: channels of a head that lie side by side; with a
bias, a width of heads that is a multiple of 16 bytes, and rows of the bias that begin at multiples
of 16 numbers, else torch copies it at every call. Without a bias, FlashAttention pads heads itself.
"""

from typing import Tuple

import torch.nn.functional as F
from torch import Tensor

from .gpu import in_small_type

HEAD_BYTES = 16
HEAD_WIDTH = HEAD_BYTES // 2  # of heads that every type may have: the smallest has two bytes
BIAS_ROW = 16  # numbers


def head_alignment(x: Tensor) -> int:
    """Of which number of channels a head's width shall be a multiple."""
    return HEAD_BYTES // (2 if in_small_type(x) else x.element_size())


def align_heads(x: Tensor) -> Tensor:
    """``(N, heads, L, d)`` with as many zeros behind each head's channels as kernels ask for.

    They change no product of queries and keys, and add channels of zeros to the values.
    """
    return F.pad(x, (0, -x.shape[-1] % head_alignment(x)))


def align_bias(bias: Tensor) -> Tensor:
    """The same numbers ``(..., Lq, Lk)``, in rows that begin where kernels want them."""
    if bias.stride(-1) == 1 and not any(step % BIAS_ROW for step in bias.stride()[:-1]):
        return bias
    keys = bias.shape[-1]
    return F.pad(bias, (0, -keys % BIAS_ROW))[..., :keys]


def side_by_side(*parts: Tensor) -> Tuple[Tensor, ...]:
    """Queries, keys and values whose channels lie side by side in memory."""
    return tuple(part if part.stride(-1) == 1 else part.contiguous() for part in parts)
