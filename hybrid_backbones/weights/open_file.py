"""Opening checkpoint files, without running what a stranger pickled into them."""

import contextlib
import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from ..errors import CheckpointError


@contextlib.contextmanager
def allow_mmengine_pickles() -> Iterator[None]:
    """While entered, ``torch.load(weights_only=True)`` reads the checkpoints mmengine saves.

    It can be entered within itself, unlike torch's own ``safe_globals``.
    """
    if not hasattr(torch.serialization, 'safe_globals'):  # before torch 2.5
        yield
        return
    ours = set(globals_of_mmengine()) - set(torch.serialization.get_safe_globals())
    torch.serialization.add_safe_globals(list(ours))
    try:
        yield
    finally:
        # torch's own modules allow theirs when first imported, which may have been just now
        others = [each for each in torch.serialization.get_safe_globals() if each not in ours]
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(others)


def globals_of_mmengine() -> List[Any]:
    """What mmengine pickles beside tensors, for ``torch.serialization.add_safe_globals``.

    mmengine's message hub pickles numpy scalars, ``HistoryBuffer`` and, for its statistics,
    ``getattr``; a plain ``getattr`` would let a pickle reach anything, so it is replaced by one
    that only yields the statistics of ``HistoryBuffer``, and ``HistoryBuffer`` by one that takes
    numbers from a pickle and leaves the statistics of all others as they are. MMPose's description
    of the dataset has colours, arrays of uint8.
    """
    kinds = ('uint8', 'float32', 'float64', 'int32', 'int64', 'bool')
    core: Any = np.core if np.__version__ < '2' else getattr(np, '_core')  # noqa: B009
    multiarray = core.multiarray
    allowed = [
        (_History, f'{HistoryBuffer.__module__}.HistoryBuffer'),
        (_statistic_of_history, 'builtins.getattr'),
        np.ndarray,
        np.dtype,
        *(type(np.dtype(kind)) for kind in kinds),
    ]
    for function in (multiarray._reconstruct, multiarray.scalar):
        # numpy 1 and 2 write different module names
        allowed += [
            (function, f'{module}.multiarray.{function.__name__}')
            for module in ('numpy.core', 'numpy._core')
        ]
    return allowed


class _History(HistoryBuffer):
    """What a pickled ``HistoryBuffer`` is read into; copied or pickled it is one again."""

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.max_length = state.get('max_length', 1000000)
        self._log_history = np.asarray(state.get('_log_history', ()))
        self._count_history = np.asarray(state.get('_count_history', ()))
        self._set_default_statistics()

    def __reduce_ex__(self, protocol: Any) -> Tuple[Any, ...]:
        return HistoryBuffer, (self._log_history, self._count_history, self.max_length)


def _statistic_of_history(owner: Any, name: str) -> Any:
    if owner not in (HistoryBuffer, _History) or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'a checkpoint may not look up {name} of {owner}')
    return getattr(HistoryBuffer, name)


# what torch.load raises for bytes that are no checkpoint, or half of one
_UNREADABLE = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    struct.error,
)


COMPRESSION = 20  # most a checkpoint may grow on being read; torch does not compress


def open_file(path: Path, briefly: bool = False) -> Any:
    """All that a checkpoint file holds: tensors on the CPU, and plain values.

    Args:
        path: A ``.pth``, ``.pth.tar``, ``.bin`` or ``.safetensors`` file.
        briefly: Read what is beside the tensors; these stay on the disk and are not checked.

    Raises:
        CheckpointError: It is damaged, no checkpoint, or holds what could run code.
    """
    if path.suffix == '.safetensors':
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load_file
        except ImportError:
            raise CheckpointError(f'{path}: to read it, pip install safetensors') from None
        try:
            return load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f'{path} is no safetensors file ({error})') from None
    if not briefly:
        _check_zip(path)
    mmap = True if briefly and zipfile.is_zipfile(path) else None
    try:
        with allow_mmengine_pickles():
            return torch.load(path, map_location='cpu', weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        foreign = re.search(r'GLOBAL ([\w.]+)', str(error))
        if foreign and _looks_saved_by_torch(path):
            raise CheckpointError(
                f'{path} holds {foreign[1]}, which is no weight and could run code when loaded; '
                'if you trust it, save its tensors alone: torch.save(torch.load(FILE, '
                "weights_only=False)['model'], NEW_FILE)"
            ) from None
        raise _damaged(path) from None
    except _UNREADABLE:
        raise _damaged(path) from None


def _check_zip(path: Path) -> None:
    """See that every part of a zip file is what was written: one flipped bit is no damage that
    torch would notice."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as parts:
            claimed = sum(part.file_size for part in parts.infolist())
            if claimed > COMPRESSION * path.stat().st_size:
                raise CheckpointError(
                    f'{path} would grow from {path.stat().st_size} to {claimed} bytes on being '
                    'read: no checkpoint does'
                )
            bad = parts.testzip()
    except (zipfile.BadZipFile, NotImplementedError, *_UNREADABLE) as error:
        if isinstance(error, CheckpointError):
            raise
        raise _damaged(path) from None
    if bad:
        raise CheckpointError(f'{path} is damaged: {bad} in it is not what was written')


def _looks_saved_by_torch(path: Path) -> bool:
    with open(path, 'rb') as file:
        return zipfile.is_zipfile(path) or file.read(1) == b'\x80'  # or a pickle's first byte


def _damaged(path: Path) -> CheckpointError:
    with open(path, 'rb') as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b'<!doctype', b'<html')):
        return CheckpointError(
            f'{path} is a web page, not a checkpoint: open the link in a browser and save the file'
        )
    return CheckpointError(f'{path} is no checkpoint, or damaged ({path.stat().st_size} bytes)')
