"""Where on the picture the queries and keys of each family's attention lie."""

from typing import Callable, Dict, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...backbones.base import HybridBackbone
from ...layers import window_partition
from .attention_recorder import Call

CLASS, PADDING, MERGED = -1, -2, -3  # what stands in a sequence beside positions of the map


class Layout(NamedTuple):
    """How the sequences of one attention, for one picture, are spread over maps.

    Places are indices into a map's positions, row by row, or ``CLASS``, ``PADDING`` (zeros around
    the map), ``MERGED`` (the token that stands for those which a light UniFormer leaves out).

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
        scores: Those that a block of a light UniFormer was called with, ``(1, H * W)``.
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


def layout_of(place: Place) -> Layout:
    """Where queries and keys of a recorded call lie.

    Raises:
        RuntimeError: They are not as many as the family should have: this module is out of date.
    """
    layout = _LAYOUTS[type(place.backbone).__name__](place)
    q, k = place.call.q, place.call.k
    expected = [tuple(layout.queries.shape), tuple(layout.keys.shape)]
    found = [(q.shape[0], q.shape[2]), (k.shape[0], k.shape[2])]
    if expected != found:
        raise RuntimeError(f'{place.block}: attention has the shapes {found}, not {expected}')
    return layout


def _whole(
    size: Tuple[int, int], stride: int, reduction: int = 1, tokens: Tuple[int, ...] = ()
) -> Layout:
    """Sequences over whole maps, that of the keys being smaller by a factor."""
    key_size = tuple(-(-side // reduction) for side in size)
    sequences = [
        torch.tensor([[*tokens, *range(height * width)]]) for height, width in (size, key_size)
    ]
    return Layout(*sequences, size, stride, key_size, stride * reduction)


def _windows(size: Tuple[int, int], stride: int, window: int, centred: bool) -> Layout:
    """Windows that the map is cut into, padded at right and bottom or on all sides alike."""
    height, width = size
    places = torch.arange(height * width).view(1, height, width, 1) - PADDING
    if centred:
        places = F.pad(places, (0, 0, -width % window // 2, 0, -height % window // 2, 0))
    rows = window_partition(places, window)[0].squeeze(-1) + PADDING  # zeros are padding now
    return Layout(rows, rows, size, stride, size, stride, window)


def _conformer(place: Place) -> Layout:
    patch = place.backbone.arch.patch
    return _whole(place.size(patch), patch, tokens=(CLASS,))


def _cvt(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[0]
    height, width = place.size(stride)
    first = place.call.q.shape[2] - height * width
    return _whole((height, width), stride, reduction=2, tokens=(CLASS,) * first)


def _hrformer(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[2]  # stage, module, stream, block
    return _windows(place.size(stride), stride, place.backbone.window_size, centred=True)


def _transxnet(place: Place) -> Layout:
    stage = place.numbers[0]
    stride = 4 * 2**stage
    return _whole(place.size(stride), stride, place.backbone.stages[stage].rel_pos.reduction)


def _uniformer(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[0]
    size = place.size(stride)
    if place.backbone.arch.token_pruning:
        return _pruned(place, size, stride)
    rows, _, length, _ = place.call.q.shape
    if (rows, length) == (1, size[0] * size[1]):
        return _whole(size, stride)
    return _windows(size, stride, place.backbone.window_size, centred=False)


def _pruned(place: Place, size: Tuple[int, int], stride: int) -> Layout:
    """The class token, the tokens of the highest scores, and one for all others."""
    layout = _whole(size, stride, tokens=(CLASS,))
    length = place.call.q.shape[2]
    if length == layout.queries.shape[1]:
        return layout
    order = place.scores.argsort(dim=1, descending=True)[0, : length - 2].tolist()
    sequence = torch.tensor([[CLASS, *order, MERGED]])
    return layout._replace(queries=sequence, keys=sequence)


_LAYOUTS: Dict[str, Callable[[Place], Layout]] = {
    'Conformer': _conformer,
    'CvT': _cvt,
    'HRFormer': _hrformer,
    'TransXNet': _transxnet,
    'UniFormer': _uniformer,
}
