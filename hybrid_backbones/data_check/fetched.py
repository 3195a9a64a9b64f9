"""Files on other machines, read as mmengine reads them in training."""

from typing import Any, Dict, Optional, Union

from mmengine import fileio

from ..errors import one_line
from .problems import Problem

Backend = Optional[Dict[str, Any]]


def is_remote(path: str, backend_args: Backend) -> bool:
    """Whether mmengine would read a file by something else than its path on this machine."""
    return '://' in path or (backend_args or {}).get('backend', 'local') != 'local'


def fetch(path: str, backend_args: Backend) -> Union[bytes, Problem]:
    """The content of a file, or why there is none.

    Args:
        path: Or address.
        backend_args: As in a config.
    """
    try:
        content: bytes = fileio.get(path, backend_args=backend_args)
        return content
    except Exception as error:  # clients of storages raise anything
        return Problem(path, f'cannot be read: {one_line(error) or type(error).__name__}')
