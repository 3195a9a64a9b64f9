"""Where on the image the queries and keys of a backbone's attention lie.

What a family's attention has beyond whole maps, it says in ``families/``.
"""

from typing import Callable, Dict, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...backbones.base import HybridBackbone
from ...layers import window_partition
from .attention_recorder import Call

CLASS, PADDING, MERGED = -1, -2, -3  # what stands in a sequence beside positions of the map


class Layout(NamedTuple):
    """How the sequences of one attention, for one image, are spread over maps.

    Places are indices into a map's positions, row by row, or ``CLASS``, ``PADDING`` (zeros around
    the map), ``MERGED`` (the token that stands for those which a block leaves out).

    Args:
        queries: ``(rows of the batch, Lq)``, places on the block's map.
        keys: ``(rows of the batch, Lk)``, places on the map of the keys.
        size: Of the block's map, in positions.
        stride: Of the block's map, in pixels.
        key_size: Of the map of the keys.
        key_stride: Of the map of the keys, in pixels.
        window: Side of a window in positions; 0: every query sees the whole map.
    """

    queries: Tensor
    keys: Tensor
    size: Tuple[int, int]
    stride: int
    key_size: Tuple[int, int]
    key_stride: int
    window: int = 0


class Place(NamedTuple):
    """What a layout depends on.

    Args:
        backbone: Whose block it is.
        block: The block's name.
        image: Height and width of the image, in pixels.
        call: What was recorded.
        scores: Those of its tokens that a block was called with, if it was, ``(1, H * W)``.
    """

    backbone: HybridBackbone
    block: str
    image: Tuple[int, int]
    call: Call
    scores: Optional[Tensor] = None

    @property
    def numbers(self) -> Tuple[int, ...]:
        """Those in the block's name, the first one that of the stage."""
        return tuple(int(part) for part in self.block.split('.') if part.isdigit())

    def size(self, stride: int) -> Tuple[int, int]:
        """Of a map of that stride."""
        return -(-self.image[0] // stride), -(-self.image[1] // stride)


LayoutOf = Callable[[Place], Layout]
LAYOUTS: Dict[str, LayoutOf] = {}


def attention_layout(family: str) -> Callable[[LayoutOf], LayoutOf]:
    """A decorator for the function that lays out a family's attention.

    A family without one is taken to attend to whole maps without further tokens.

    Args:
        family: Class name of the backbone.
    """

    def register(function: LayoutOf) -> LayoutOf:
        LAYOUTS[family] = function
        return function

    return register


def layout_of(place: Place) -> Layout:
    """Where queries and keys of a recorded call lie.

    Raises:
        RuntimeError: They are not as many as the family should have: this module is out of date.
    """
    layout = LAYOUTS.get(type(place.backbone).__name__, _plain)(place)
    q, k = place.call.q, place.call.k
    expected = [tuple(layout.queries.shape), tuple(layout.keys.shape)]
    found = [(q.shape[0], q.shape[2]), (k.shape[0], k.shape[2])]
    if expected != found:
        raise RuntimeError(f'{place.block}: attention has the shapes {found}, not {expected}')
    return layout


def whole_maps(
    size: Tuple[int, int], stride: int, reduction: int = 1, tokens: Tuple[int, ...] = ()
) -> Layout:
    """Sequences over whole maps, that of the keys being smaller by a factor."""
    key_size = -(-size[0] // reduction), -(-size[1] // reduction)
    queries, keys = (
        torch.tensor([[*tokens, *range(height * width)]]) for height, width in (size, key_size)
    )
    return Layout(queries, keys, size, stride, key_size, stride * reduction)


def windows(size: Tuple[int, int], stride: int, window: int, centred: bool) -> Layout:
    """Windows that the map is cut into, padded at right and bottom or on all sides alike."""
    height, width = size
    places = torch.arange(height * width).view(1, height, width, 1) - PADDING
    if centred:
        places = F.pad(places, (0, 0, -width % window // 2, 0, -height % window // 2, 0))
    rows = window_partition(places, window)[0].squeeze(-1) + PADDING  # zeros are padding now
    return Layout(rows, rows, size, stride, size, stride, window)


def _plain(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[0]
    return whole_maps(place.size(stride), stride)
