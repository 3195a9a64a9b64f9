"""The heads of models: one, or one for each stage of a cascade."""

from typing import Any, Iterator, List, Tuple

import torch
from torch import Tensor, nn


def each_head(heads: Any) -> List[Any]:
    """The heads of a cascade, or the only one."""
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def heads_with_extractors(roi_head: Any) -> Iterator[Tuple[str, Any, Any]]:
    """What looks at regions in a two-stage detector of MMDetection.

    Yields:
        ``'bbox'`` or ``'mask'``, the RoI extractor, and the head behind it; boxes come first, and
        in the order of stages.
    """
    for kind in ('bbox', 'mask') if roi_head.with_mask else ('bbox',):
        extractors = getattr(roi_head, f'{kind}_roi_extractor')
        heads = getattr(roi_head, f'{kind}_head')
        for extractor, head in zip(each_head(extractors), each_head(heads)):
            yield kind, extractor, head


def empty_regions(number: int, extractor: Any, **options: Any) -> Tensor:
    """What an RoI extractor gives for ``number`` regions: ``(number, C, height, width)``.

    Args:
        number: Of regions.
        extractor: Of MMDetection.
        options: Of :func:`torch.empty`.
    """
    size = extractor.roi_layers[0].output_size
    return torch.empty(number, extractor.out_channels, *size, **options)
