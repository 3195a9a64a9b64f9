"""What can be wrong, and errors as one line."""


class ConfigError(ValueError):
    """A setting that cannot work; the message is one line and says what would."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be had, read or used; the message is one line and says why."""


class BatchTooSmallError(ValueError):
    """A model got fewer images at a time than it can be trained with."""


class ExportError(RuntimeError):
    """What was written computes something else than the backbone; it has been removed."""


def one_line(error: BaseException) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
