"""Heads that stand directly on the backbone, or on a neck whose levels have changed."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..backbones.levels import Level
from ..config.traverse import Path
from ..errors import ConfigError
from .changes import DropIn
from .levels import shown

STRIDES_OF = ('strides', 'featmap_strides', 'feature_strides')
NOT_HEADS = ('backbone', 'neck', 'data_preprocessor', 'train_cfg', 'test_cfg', 'init_cfg')


class Features(NamedTuple):
    """What heads got, what they get, and where a level has gone.

    Args:
        before: The old levels.
        after: The new ones.
        positions: The new index of each old one that is still there.
    """

    before: List[Level]
    after: List[Level]
    positions: Dict[int, int]


def change_heads(drop: DropIn, features: Features) -> None:
    """Write the new channels, indices and strides into every head.

    Raises:
        ConfigError: A head says channels that no level had.
    """
    for key, part in drop.model.items():
        if key in NOT_HEADS:
            continue
        for path, head in _heads((key,), part):
            _change(drop, features, ('model', *drop.root, *path), head, top=True)


def _heads(path: Path, part: Any) -> Iterator[Tuple[Path, Any]]:
    """The dicts in a part, with their paths: itself, or those in its lists."""
    if isinstance(part, dict):
        yield path, part
    elif isinstance(part, (list, tuple)):
        for i, child in enumerate(part):
            yield from _heads((*path, i), child)


def _change(drop: DropIn, features: Features, path: Path, head: Any, top: bool) -> None:
    channels = [level.channels for level in features.before]
    if 'in_channels' in head and (top or 'in_index' in head or drop.source.scope != 'mmseg'):
        new = _channels(drop, features, path, head)
        if new is not None:
            drop.set((*path, 'in_channels'), new)
            resized = head.get('input_transform') == 'resize_concat'
            if resized and head.get('channels') == sum(head['in_channels']):
                drop.set((*path, 'channels'), sum(new))
            elif head.get('num_convs') == 0 and head.get('channels') == head['in_channels']:
                drop.set((*path, 'channels'), new)  # nothing stands between them
    if 'in_index' in head:
        index = head['in_index']
        new_index = (
            type(index)(features.positions[i % len(channels)] for i in index)
            if isinstance(index, (list, tuple))
            else features.positions[index % len(channels)]
        )
        if index != -1:
            drop.set((*path, 'in_index'), new_index)
    if head.get('c1_in_channels'):
        drop.set((*path, 'c1_in_channels'), features.after[0].channels)
    strides = [level.stride for level in features.before]
    for key in STRIDES_OF:
        if isinstance(head.get(key), (list, tuple)) and list(head[key]) == strides:
            new = [int(level.stride) for level in features.after]
            drop.set((*path, key), type(head[key])(new))
            if key == 'featmap_strides' and head.get('out_channels') == channels[-1]:
                drop.set((*path, 'out_channels'), features.after[-1].channels)
    if isinstance(head.get('in_featuremap_size'), (list, tuple)):
        ratio = features.before[-1].stride / features.after[-1].stride
        new = tuple(round(n * ratio) for n in head['in_featuremap_size'])
        if new != tuple(head['in_featuremap_size']):
            drop.set((*path, 'in_featuremap_size'), new)
    for key, child in head.items():
        for below, part in _heads((key,), child):
            _change(drop, features, (*path, *below), part, top=False)


def _channels(drop: DropIn, features: Features, path: Path, head: Any) -> Optional[Any]:
    """The new ``in_channels``; None to leave the old."""
    was = [level.channels for level in features.before]
    where = f'{drop.source.name}: {".".join(map(str, path))}'

    def now(levels: Sequence[int]) -> List[int]:
        found = [features.positions.get(i % len(was)) for i in levels]
        if None in found:
            raise ConfigError(
                f'{where} takes {len(levels)} levels, of which the new backbone would give '
                f'{len(features.after)}; set out_indices and in_channels by hand'
            )
        return [features.after[position].channels for position in found if position is not None]

    given = head['in_channels']
    if isinstance(given, (list, tuple)):
        index = head.get('in_index', range(len(was)))
        return type(given)(now(index)) if list(given) == [was[i] for i in index] else None
    index = head.get('in_index', -1)
    if isinstance(index, int) and given == was[index]:
        return now([index])[0]
    if given == sum(was):
        return sum(now(range(len(was))))
    if 'in_index' in head and drop.source.scope == 'mmseg' and isinstance(index, int):
        raise ConfigError(
            f'{where}.in_channels is {given}, and level {index} has '
            f'{was[index]} channels (all: {shown(was)}); set it by hand'
        )
    return None
