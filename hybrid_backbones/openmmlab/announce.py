"""Log lines about what serves in place of missing parts of the libraries."""

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Iterator

from mmengine.logging import print_log

_SILENT = ContextVar('silent', default=False)


@contextmanager
def silently() -> Iterator[None]:
    """Announce nothing inside: a command that prints data has no use for a log line in it."""
    token = _SILENT.set(True)
    try:
        yield
    finally:
        _SILENT.reset(token)


def announce(message: str, level: int = logging.INFO) -> None:
    """Log a line through mmengine's logger."""
    if level > logging.INFO or not _SILENT.get():
        print_log(message, logger='current', level=level)
