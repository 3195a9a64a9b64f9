"""What of a call's time goes to which of its parts."""

import functools
from collections import Counter
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple

from .timing import Clock

REST = 'rest'


class Stopwatch:
    """Seconds of parts that may lie inside of each other: a moment is the innermost one's.

    Args:
        clock: Tells the time in seconds, when all that was begun is done.

    Attributes:
        seconds: By part, of the last call.
        calls: How often each part was entered from another one in the last call.
    """

    def __init__(self, clock: Clock):
        self._clock = clock
        self._open: List[str] = []
        self._since = 0.0
        self.seconds: Dict[str, float] = {}
        self.calls: Counter[str] = Counter()

    def time(self, run: Callable[[], Any]) -> float:
        """Call ``run``; what is in no part goes to ``REST``.

        Returns:
            Seconds of the whole call: the sum of :attr:`seconds`.
        """
        self.seconds, self.calls = {REST: 0.0}, Counter()
        start = self._since = self._clock()
        self._open = [REST]
        run()
        self._book()
        return self._since - start

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time inside goes to ``name``; outside of :meth:`time` nothing is counted."""
        if not self._open:
            yield
            return
        self._book()
        self.calls[name] += self._open[-1] != name
        self._open.append(name)
        try:
            yield
        finally:
            self._book()
            self._open.pop()

    def _book(self) -> None:
        now = self._clock()
        name = self._open[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now

    @contextmanager
    def watching(self, places: Iterable[Tuple[Any, str, str]]) -> Iterator[None]:
        """Inside, calls of methods are timed.

        Args:
            places: Of each an object, the name of its method, and the part that the method is.
        """
        changed = []
        for owner, method, name in places:
            # not setattr: torch's compiled modules would hand it on to what they compile
            changed.append((vars(owner), method, vars(owner).get(method)))
            vars(owner)[method] = self._timed(getattr(owner, method), name)
        try:
            yield
        finally:
            for attributes, method, before in reversed(changed):
                if before is None:
                    del attributes[method]
                else:
                    attributes[method] = before

    def _timed(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return method(*args, **kwargs)

        return timed
