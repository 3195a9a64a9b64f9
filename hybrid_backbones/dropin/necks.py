"""Finding the values in a neck or a head that are the channels of what comes in."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..backbones.levels import Level


def update_in_channels(
    cfg: Any, old: Sequence[Level], new: Sequence[Level], before: Sequence[Level]
) -> Dict[Tuple[Any, ...], Any]:
    """The new values, by their path in ``cfg``, of everything that is tied to the old channels.

    ``in_channels`` may be a list of all levels, the same from coarse to fine, one level's (the
    last) or the sum of all. Another list of numbers is tied if it begins with all of them, as
    ``SSDNeck.out_channels`` does.

    Args:
        cfg: A neck.
        old: The old levels that have a successor.
        new: Their successors.
        before: All old levels.
    """
    was = [level.channels for level in before]
    now = [level.channels for level in new]
    changes: Dict[Tuple[Any, ...], Any] = {}
    for key, value in cfg.items():
        if key == 'in_channels' and isinstance(value, int):
            if value == was[-1]:
                changes[(key,)] = now[-1]
            elif value == sum(was):
                changes[(key,)] = sum(now)
        elif isinstance(value, (list, tuple)) and value:
            tied = _list(key, list(value), was, now)
            if tied is not None:
                changes[(key,)] = type(value)(tied)
    return changes


def _list(key: str, value: List[Any], was: List[int], now: List[int]) -> Optional[List[Any]]:
    if key == 'in_channels':
        if value == was:
            return now
        if value == was[::-1]:
            return now[::-1]
    elif len(was) > 1 and value[: len(was)] == was:
        return now + value[len(was) :]
    return None
