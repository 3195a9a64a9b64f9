"""A progress bar for functions that go through images."""

from typing import Any, Callable, Iterable


def track(what: str, to_stderr: bool = False) -> Callable[[Any], Iterable[Any]]:
    """What a function's argument ``track`` takes; of a single item no progress is shown.

    Args:
        what: Is done.
        to_stderr: Show it there, and on a terminal alone: for commands that print results.
    """

    def bar(items: Any) -> Iterable[Any]:
        from rich.console import Console
        from rich.progress import track as rich_track

        console = Console(stderr=to_stderr)
        hidden = not console.is_terminal if to_stderr else len(items) == 1
        return rich_track(items, what, len(items), console=console, disable=hidden)

    return bar
