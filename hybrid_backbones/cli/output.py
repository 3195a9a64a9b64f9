"""The standard output, which may be a full disk or a reader that has left."""

import os
import sys

from ..errors import OutputError


def flush_output() -> None:
    """Write what has been printed; see :func:`write_output`."""
    write_output('')


def write_output(text: str) -> None:
    """Write a text, and what has been printed before.

    Where that fails, Python is not to try it again at its end.

    Raises:
        BrokenPipeError: Nobody reads it.
        OutputError: The disk is full.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(error.errno, error.strerror, 'the standard output') from None
