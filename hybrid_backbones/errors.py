"""The errors that users see: one line that says what was wrong and what would be right."""

from contextlib import contextmanager
from typing import Iterator, Tuple, Type, Union


class ConfigError(ValueError):
    """A setting that cannot work; the message is one line and says what would."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be had, read or used; the message is one line and says why."""


class CheckpointMissingError(CheckpointError):
    """A checkpoint that is not there, or cannot be fetched."""


class BatchTooSmallError(ValueError):
    """A model got fewer images at a time than it can be trained with."""


class OutputError(OSError):
    """A file or folder that cannot be written; the message is one line and says which and why.

    Args:
        errno: The system's number.
        strerror: The reason.
        filename: What was to be written.
    """

    def __str__(self) -> str:
        return f'cannot write {self.filename}: {self.strerror}'


class ExportError(RuntimeError):
    """What was written computes something else than the backbone; it has been removed."""


class Stopped(RuntimeError):
    """A training that was asked to end, and has saved where it was.

    Args:
        message: One line: what asked, what was saved, and how to go on.
        signum: Number of the signal.
    """

    def __init__(self, message: str, signum: int):
        super().__init__(message)
        self.signum = signum


def one_line(error: BaseException) -> str:
    """An error's text without line breaks; its type if it has no text."""
    return ' '.join(str(error).split()) or type(error).__name__


@contextmanager
def as_config_error(
    what: str = '', kinds: Union[Type[Exception], Tuple[Type[Exception], ...]] = Exception
) -> Iterator[None]:
    """Raise failures of other code as a :class:`ConfigError`, in one line.

    A ``ConfigError``, ``CheckpointError`` or ``OutputError`` passes as it is: it says all that
    there is to say.

    Args:
        what: What failed, written before the error's type and text. Empty: the error's own text
            alone.
        kinds: The errors to catch.
    """
    try:
        yield
    except (ConfigError, CheckpointError, OutputError):
        raise
    except kinds as error:
        text = one_line(error)
        if what:
            text = f'{what}: {type(error).__name__}: {text}'
        raise ConfigError(text) from None
