"""The modules in a folder, which nobody has to list."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import List


def modules_in(package: str) -> List[ModuleType]:
    """Import every module that lies in a package's folder, in alphabetical order.

    Args:
        package: Its name, such as ``__name__`` in its own ``__init__.py``.
    """
    folder = import_module(package).__path__
    return [import_module(f'{package}.{found.name}') for found in iter_modules(folder)]
