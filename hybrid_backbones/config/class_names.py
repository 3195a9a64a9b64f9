"""The classes that a dataset's ``metainfo`` names."""

import os
from typing import Any, List

from ..errors import ConfigError


def read_class_names(named: Any, setting: str = 'metainfo.classes') -> List[str]:
    """A list of names; or a file with a name in each line, which mmengine takes too.

    Args:
        named: What ``metainfo['classes']`` is.
        setting: Where that is, for the message.

    Raises:
        ConfigError: It is a string, and no file.
    """
    if not isinstance(named, str):
        return list(named)
    if not os.path.isfile(named):
        raise ConfigError(f'{setting} is a string, not a list: of one class, write ({named!r},)')
    with open(named, encoding='utf-8') as file:
        return file.read().splitlines()
