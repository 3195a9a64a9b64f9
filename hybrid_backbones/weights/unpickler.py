"""Unpickling checkpoints without running code from them, for torch before 2.6.

``torch.load(weights_only=True)`` of those versions cannot be told of further types to allow, and
loads TorchScript archives, which may run code (CVE-2025-32434). This is Python's own unpickler,
restricted in what it may name, call, create and set.
"""

import _compat_pickle
import pickle
from collections import Counter, OrderedDict
from functools import cache
from types import ModuleType
from typing import Any, BinaryIO, Callable, Dict, Tuple

import torch
from torch import _weights_only_unpickler

from .allowed import Array, History, NumberType, allowed_globals

# of torch, allowed there in later versions
LATER = ('device', 'uint8', 'bool', 'bfloat16', 'per_tensor_affine', 'per_channel_affine')
REBUILT = ('_rebuild_qtensor', '_rebuild_parameter_with_state')
# a scheduler with milestones has a Counter of them
PLAIN = {'builtins.set': set, 'builtins.complex': complex, 'builtins.bytearray': bytearray}
PLAIN['collections.Counter'] = Counter


@cache
def _allowed() -> Dict[str, Any]:
    """By their full names: what torch itself allows, and what mmengine pickles beside it."""
    newer = {f'torch.{name}': getattr(torch, name) for name in LATER}
    newer.update({f'torch._utils.{name}': getattr(torch._utils, name) for name in REBUILT})
    torchs = _weights_only_unpickler._get_allowed_globals()
    return {**torchs, **newer, **PLAIN, **allowed_globals()}


def _is_creatable(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, (History, OrderedDict))


_Python: Any = getattr(pickle, '_Unpickler')  # noqa: B009  # Python's, written in Python


class Unpickler(_Python):
    """Python's unpickler, for files of strangers.

    Raises:
        UnpicklingError: The file names, calls, creates or sets what is not allowed.
    """

    dispatch: Dict[int, Callable[[Any], None]] = dict(_Python.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        """What is allowed under this name; the name may be one of Python 2."""
        if self.proto < 3:
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        try:
            return _allowed()[f'{module}.{name}']
        except KeyError:
            name = name if module == 'builtins' else f'{module}.{name}'
            raise pickle.UnpicklingError(f'not allowed: GLOBAL {name}') from None

    def load_reduce(self) -> None:
        """Call a function: one that is allowed, and no method that was looked up."""
        function = self.stack[-2]
        if not any(function is each for each in _allowed().values()):
            raise pickle.UnpicklingError(f'not allowed: a call of {function!r}')
        super().load_reduce()

    def load_newobj(self) -> None:
        """Create an object."""
        if not _is_creatable(self.stack[-2]):
            raise pickle.UnpicklingError(f'not allowed: a new {self.stack[-2]!r}')
        super().load_newobj()

    def load_build(self) -> None:
        """Set the state of an object; never that of a class or function."""
        owner, state = self.stack[-2:]
        if isinstance(owner, OrderedDict) and isinstance(state, dict):
            owner.__dict__.update(state)  # a state dict's versions of its modules
            self.stack.pop()
        elif isinstance(owner, (Array, NumberType, History)):
            super().load_build()
        else:
            raise pickle.UnpicklingError(f'not allowed: to set the state of {type(owner)}')

    def refuse(self) -> None:
        """Ways to create objects that no checkpoint uses."""
        raise pickle.UnpicklingError('not allowed: an old or an extended way to create objects')

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.BUILD[0]] = load_build
    for _code in 'INST OBJ NEWOBJ_EX EXT1 EXT2 EXT4'.split():
        dispatch[getattr(pickle, _code)[0]] = refuse


def _load(file: BinaryIO, **options: Any) -> Any:
    return Unpickler(file, **options).load()


def as_pickle_module() -> ModuleType:
    """What ``torch.load(pickle_module=...)`` takes."""
    module = ModuleType('hybrid_backbones_pickle')
    names: Tuple[Tuple[str, Any], ...] = (('Unpickler', Unpickler), ('load', _load))
    for name, value in names:
        setattr(module, name, value)
    return module
