"""What a checkpoint may hold beside tensors and plain values."""

import codecs
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
    of the dataset has colours, arrays of uint8.
    """
    core: Any = np.core if np.__version__ < '2' else getattr(np, '_core')  # noqa: B009
    multiarray = core.multiarray
    allowed = [
        (History, f'{HistoryBuffer.__module__}.HistoryBuffer'),
        (_statistic_of_history, 'builtins.getattr'),
        (codecs.encode, '_codecs.encode'),  # bytes, as pickled for Python 2
        np.ndarray,
        np.dtype,
        *(type(np.dtype(kind)) for kind in NUMBERS),
    ]
    for function in (multiarray._reconstruct, multiarray.scalar):
        # numpy 1 and 2 write different module names
        allowed += [
            (function, f'{module}.multiarray.{function.__name__}')
            for module in ('numpy.core', 'numpy._core')
        ]
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


def _statistic_of_history(owner: Any, name: str) -> Any:
    if owner not in (HistoryBuffer, History) or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'a checkpoint may not look up {name} of {owner}')
    return getattr(HistoryBuffer, name)
