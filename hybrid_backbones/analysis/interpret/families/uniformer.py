"""UniFormer attends to whole maps, in windows, or without the tokens that count least."""

from typing import Tuple

import torch

from ..attention_layouts import (
    CLASS,
    MERGED,
    Layout,
    Place,
    attention_layout,
    whole_maps,
    windows,
)


@attention_layout('UniFormer')
def _uniformer(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[0]
    size = place.size(stride)
    if place.backbone.arch.token_pruning:
        return _pruned(place, size, stride)
    rows, _, length, _ = place.call.q.shape
    if (rows, length) == (1, size[0] * size[1]):
        return whole_maps(size, stride)
    return windows(size, stride, place.backbone.window_size, centred=False)


def _pruned(place: Place, size: Tuple[int, int], stride: int) -> Layout:
    """The class token, the tokens of the highest scores, and one for all others."""
    layout = whole_maps(size, stride, tokens=(CLASS,))
    length = place.call.q.shape[2]
    if length == layout.queries.shape[1] or place.scores is None:
        return layout
    order = place.scores.argsort(dim=1, descending=True)[0, : length - 2].tolist()
    sequence = torch.tensor([[CLASS, *order, MERGED]])
    return layout._replace(queries=sequence, keys=sequence)
