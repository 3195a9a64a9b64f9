"""A progress bar for functions that go through images."""

from typing import Callable, Iterable, Sequence, TypeVar

Item = TypeVar('Item')


def track(what: str) -> Callable[[Sequence[Item]], Iterable[Item]]:
    """What a function's argument ``track`` takes; of a single item no progress is shown."""

    def bar(items: Sequence[Item]) -> Iterable[Item]:
        from rich.progress import track as rich_track

        return rich_track(items, description=what, disable=len(items) == 1)

    return bar
