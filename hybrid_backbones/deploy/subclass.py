"""The weights of a module under a class that computes the same in another way."""

import copy
from typing import Type, TypeVar

from torch import nn

M = TypeVar('M', bound=nn.Module)


def as_subclass(module: nn.Module, cls: Type[M]) -> M:
    """A module of class ``cls`` with the attributes of ``module``, which keeps its own class.

    Parameters, buffers, children and hooks are the same objects. Those registered later on one of
    the two are not seen by the other.

    Args:
        module: Of a class that ``cls`` derives from.
        cls: Only its methods may differ: ``__init__`` is not called.

    Raises:
        TypeError: ``cls`` does not derive from the module's class.
    """
    if not issubclass(cls, type(module)):
        raise TypeError(f'{cls.__name__} does not derive from {type(module).__name__}')
    made = cls.__new__(cls)
    for name, value in vars(module).items():
        # what a module registers is kept in dicts and sets
        made.__dict__[name] = copy.copy(value) if isinstance(value, (dict, set)) else value
    return made
