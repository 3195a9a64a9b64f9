"""What one position of a block attends to."""

from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn

from ...backbones.base import HybridBackbone
from ...errors import ConfigError
from ...layers import ScaledDotProductAttention
from . import families  # noqa: F401  # they register their layouts
from .attention_layouts import CLASS, MERGED, PADDING, Layout, Place, layout_of
from .attention_recorder import record_attention

CLASS_TOKEN = 'class'

Query = Union[str, Tuple[float, float], Tuple[int, int]]


class AttentionMap(NamedTuple):
    """What one query attends to; the parts of a head add up to 1.

    Args:
        weights: ``(heads, h, w)``, on the map of the keys; 0 outside the query's window.
        to_class: ``(heads,)``, what the class token receives.
        to_padding: ``(heads,)``, what the zeros receive that fill up windows at the edges.
        to_merged: ``(heads,)``, what the token receives that stands for all those which a block
            leaves out.
        query: Row and column on the block's map; None: the class token.
        stands_in: The query is one of those left out: the weights are those of the merged token.
        stride: Of the block's map, in pixels.
        key_stride: Of the map of the keys, in pixels.
        window: Top, left, bottom and right of the window in pixels, cut at the map's edges; None:
            the query sees the whole map.
    """

    weights: Tensor
    to_class: Tensor
    to_padding: Tensor
    to_merged: Tensor
    query: Optional[Tuple[int, int]]
    stands_in: bool
    stride: int
    key_stride: int
    window: Optional[Tuple[int, int, int, int]]


def attention_blocks(backbone: HybridBackbone) -> List[str]:
    """The names of a backbone's blocks that have attention, each exactly one.

    A block is one of the family's ``block_types``; where attention is in none of them, what holds
    it is taken for one.
    """
    found = []
    for name, module in backbone.named_modules():
        if any(isinstance(child, ScaledDotProductAttention) for child in module.children()):
            found.append(_block_around(backbone, name))
    return found


def _block_around(backbone: HybridBackbone, attention: str) -> str:
    parts = attention.split('.')
    for end in range(len(parts), 0, -1):
        name = '.'.join(parts[:end])
        if isinstance(backbone.get_submodule(name), backbone.block_types):
            return name
    return '.'.join(parts[:-1])


def attention_map(
    backbone: HybridBackbone, image: Tensor, block: str, query: Query = (0.5, 0.5)
) -> AttentionMap:
    """Recover the attention weights of one query; the network computes what it always does.

    Args:
        backbone: In eval mode.
        image: ``(1, 3, H, W)``, normalised.
        block: One of :func:`attention_blocks`.
        query: Row and column, as floats from 0 to 1 over the image or as ints on the block's map;
            or ``'class'`` for the class token.

    Raises:
        ConfigError: There is no such block or query; the message says which there are.
    """
    module = find_block(backbone, block)
    scores: List[Optional[Tensor]] = []
    pruning = module.register_forward_pre_hook(
        lambda module, args, kwargs: scores.append(kwargs.get('scores')), with_kwargs=True
    )
    try:
        with torch.no_grad(), record_attention(module) as calls:
            backbone(image)
    finally:
        pruning.remove()
    if len(calls) != 1:
        raise RuntimeError(f'{block} computed attention {len(calls)} times, not once')
    (call,) = calls
    height, width = image.shape[2:]
    layout = layout_of(Place(backbone, block, (height, width), call, (*scores, None)[0]))
    position, place = _place_of(query, layout, (height, width))
    found = (layout.queries == place).nonzero()
    stands_in = len(found) == 0
    if stands_in:
        found = (layout.queries == MERGED).nonzero()
    row, index = found[0].tolist()
    return _spread(call.weights(row, index), layout, row, position, stands_in)


def find_block(backbone: HybridBackbone, block: str) -> nn.Module:
    """A block by its name.

    Raises:
        ConfigError: There is no such block with attention; lists those there are.
    """
    blocks = attention_blocks(backbone)
    if block not in blocks:
        raise ConfigError(f'no attention in {block!r}; there is in {_shorten(blocks)}')
    return backbone.get_submodule(block)


def _place_of(
    query: Query, layout: Layout, image: Tuple[int, int]
) -> Tuple[Optional[Tuple[int, int]], int]:
    """Row and column of a query, and its place."""
    height, width = layout.size
    if isinstance(query, str):
        if query != CLASS_TOKEN:
            raise ConfigError(
                f'a query is {CLASS_TOKEN!r} or a pair of row and column, got {query!r}'
            )
        if not bool((layout.queries == CLASS).any()):
            raise ConfigError('this block has no class token: the query must be Y,X')
        return None, CLASS
    y, x = query
    if isinstance(y, float) or isinstance(x, float):
        if not (0 <= y <= 1 and 0 <= x <= 1):
            raise ConfigError(f'a query with a point is from 0.0 to 1.0, got {y:g},{x:g}')
        row = min(int(y * image[0] / layout.stride), height - 1)
        column = min(int(x * image[1] / layout.stride), width - 1)
    else:
        row, column = y, x
    if not (0 <= row < height and 0 <= column < width):
        raise ConfigError(
            f'the map of this block is {height}x{width}: a query is from 0,0 to '
            f'{height - 1},{width - 1}, or with points from 0.0,0.0 to 1.0,1.0; got {row},{column}'
        )
    return (row, column), row * width + column


def _spread(
    weights: Tensor,
    layout: Layout,
    row: int,
    position: Optional[Tuple[int, int]],
    stands_in: bool,
) -> AttentionMap:
    """``(heads, Lk)`` on the map of the keys."""
    weights, keys = weights.float().cpu(), layout.keys[row]
    height, width = layout.key_size
    grid = weights.new_zeros(len(weights), height * width)
    grid[:, keys[keys >= 0]] = weights[:, keys >= 0]
    return AttentionMap(
        weights=grid.unflatten(1, (height, width)),
        **{
            name: weights[:, keys == place].sum(1)
            for name, place in (('to_class', CLASS), ('to_padding', PADDING), ('to_merged', MERGED))
        },
        query=position,
        stands_in=stands_in,
        stride=layout.stride,
        key_stride=layout.key_stride,
        window=_box(keys, layout) if layout.window else None,
    )


def _box(keys: Tensor, layout: Layout) -> Tuple[int, int, int, int]:
    places = keys[keys >= 0]
    rows, cols = places // layout.key_size[1], places % layout.key_size[1]
    edges = (rows.min(), cols.min(), rows.max() + 1, cols.max() + 1)
    top, left, bottom, right = (int(edge) * layout.key_stride for edge in edges)
    return top, left, bottom, right


def _shorten(names: List[str]) -> str:
    """``['a.0', 'a.1', 'b.0']`` to ``'a.0 to 1, b.0'``."""
    groups: Dict[str, List[str]] = {}
    for name in names:
        head, dot, last = name.rpartition('.')
        groups.setdefault(head + dot, []).append(last)
    return ', '.join(
        f'{head}{lasts[0]}' + (f' to {lasts[-1]}' if len(lasts) > 1 else '')
        for head, lasts in groups.items()
    )
