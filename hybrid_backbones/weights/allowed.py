"""What a checkpoint may hold beside tensors and plain values."""

import pickle
from typing import Any, Dict, List, Tuple, Union

import numpy as np
from mmengine.logging import HistoryBuffer

NUMBERS = ('uint8', 'float32', 'float64', 'int32', 'int64', 'bool')
Global = Union[Any, Tuple[Any, str]]


def globals_of_mmengine() -> List[Global]:
    """What mmengine pickles beside tensors, for ``torch.serialization.add_safe_globals``.

    mmengine's message hub pickles numpy scalars, ``HistoryBuffer`` and, for its statistics,
    ``getattr``; a plain ``getattr`` would let a pickle reach anything, so it is replaced by one
    that only yields the statistics of ``HistoryBuffer``, and ``HistoryBuffer`` by one that takes
    numbers from a pickle and leaves the statistics of all others as they are. MMPose's description
    of the dataset has colours, arrays of uint8; numpy's own functions would take the bytes of a
    pickle for pointers if it says so, and are replaced by those that read numbers.
    """
    allowed = [
        (History, f'{HistoryBuffer.__module__}.HistoryBuffer'),
        (_statistic_of_history, 'builtins.getattr'),
        (_bytes, '_codecs.encode'),
        (_no_bytes, 'builtins.bytes'),
        (_plain_array, 'numpy.ndarray'),
        (NumberType, 'numpy.dtype'),
        Array,
    ]
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):  # of numpy 1 and 2
        allowed += [(_reconstruct, f'{module}._reconstruct'), (_scalar, f'{module}.scalar')]
    return allowed


def allowed_globals() -> Dict[str, Any]:
    """The same by the names that a pickle uses."""
    named: Dict[str, Any] = {}
    for each in globals_of_mmengine():
        value, name = each if isinstance(each, tuple) else (each, None)
        named[name or f'{value.__module__}.{value.__qualname__}'] = value
    return named


class History(HistoryBuffer):
    """What a pickled ``HistoryBuffer`` is read into; copied or pickled it is one again."""

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.max_length = state.get('max_length', 1000000)
        self._log_history = np.asarray(state.get('_log_history', ()))
        self._count_history = np.asarray(state.get('_count_history', ()))
        self._set_default_statistics()

    def __reduce_ex__(self, protocol: Any) -> Tuple[Any, ...]:
        return HistoryBuffer, (self._log_history, self._count_history, self.max_length)


class NumberType:
    """What a pickled ``np.dtype`` is read into: one of :data:`NUMBERS`, in any byte order.

    Pickled it is an ``np.dtype`` again.

    Raises:
        UnpicklingError: It is another.
    """

    def __init__(self, name: str, *_: Any) -> None:
        self.dtype: Any = np.dtype(name if isinstance(name, str) else 'V')
        if self.dtype.name not in NUMBERS:
            raise pickle.UnpicklingError(f'not allowed: GLOBAL numpy.{self.dtype.name}')

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])

    def __reduce__(self) -> Any:
        return self.dtype.__reduce__()


class Array(np.ndarray[Any, Any]):
    """What a pickled array is read into; pickled it is an ``np.ndarray`` again."""

    def __new__(cls) -> 'Array':
        return super().__new__(cls, 0)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, content = state
        super().__setstate__((1, shape, _dtype(kind), fortran, bytes(content)))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return np.array(self, subok=False).__reduce_ex__(protocol)


def _dtype(kind: Any) -> Any:
    if not isinstance(kind, NumberType):
        raise pickle.UnpicklingError(f'a checkpoint may not have arrays of {kind!r}')
    return kind.dtype


def _plain_array(*_: Any) -> Any:
    raise pickle.UnpicklingError('a checkpoint may not make arrays but from their bytes')


def _reconstruct(*_: Any) -> Array:
    return Array()


def _scalar(kind: Any, content: bytes) -> Any:
    (number,) = np.frombuffer(content, _dtype(kind))
    return number


def _bytes(text: str, encoding: str) -> bytes:
    """How bytes are pickled for Python 2."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'a checkpoint may not encode text by {encoding}')
    return text.encode(encoding)


def _no_bytes() -> bytes:
    """The content of an empty array, as pickled for Python 2. It takes no size."""
    return b''


def _statistic_of_history(owner: Any, name: str) -> Any:
    if owner not in (HistoryBuffer, History) or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'a checkpoint may not look up {name} of {owner}')
    return getattr(HistoryBuffer, name)
