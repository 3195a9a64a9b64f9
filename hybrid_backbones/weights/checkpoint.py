"""Getting a state dict out of a file or URL, without running what a stranger pickled into it."""

import contextlib
import os
import pickle
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

from ..errors import CheckpointError
from .download import WITHOUT, download, where

# Where training codes put the weights in a checkpoint, in the order the authors' loaders look.
WRAPPERS = ('model', 'state_dict', 'state_dict_ema', 'model_ema')


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Args:
        state: Names and tensors.
        meta: What mmengine writes beside them, such as the names of the classes; may be empty.
        name: The file's name.
    """

    state: Dict[str, Tensor]
    meta: Dict[str, Any]
    name: str


def read_checkpoint(source: Union[str, 'os.PathLike[str]']) -> Checkpoint:
    """Read a checkpoint, whatever it wraps the weights in.

    Args:
        source: Path of a ``.pth``, ``.pth.tar``, ``.bin`` or ``.safetensors`` file, or a URL.

    Raises:
        CheckpointError: The file is missing, cannot be downloaded, or holds no weights.
    """
    if not isinstance(source, (str, os.PathLike)) or not str(source):
        raise CheckpointError(f'checkpoint must be the path or URL of a file, got {source!r}')
    source = os.fspath(source)
    path = download(source) if urlparse(source).scheme in ('http', 'https') else Path(source)
    path = path.expanduser()
    if not path.is_file():
        raise CheckpointError(f'no checkpoint file {path}{where(path.name)}; or {WITHOUT}')
    content = _open(path)
    meta = content.get('meta') if isinstance(content, dict) else None
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    state = {}
    if isinstance(content, dict):
        state = {k: v for k, v in content.items() if isinstance(v, Tensor)}
    if not state:
        raise CheckpointError(
            f'{path} holds no weights: expected a dict of tensors, bare or under '
            f'{", ".join(WRAPPERS)}'
        )
    return Checkpoint(state, meta if isinstance(meta, dict) else {}, path.name)


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
    that only yields the statistics of ``HistoryBuffer``. MMPose's description of the dataset has
    colours, arrays of uint8.
    """
    kinds = ('uint8', 'float32', 'float64', 'int32', 'int64', 'bool')
    core: Any = np.core if np.__version__ < '2' else getattr(np, '_core')  # noqa: B009
    multiarray = core.multiarray
    allowed = [
        HistoryBuffer,
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


def _statistic_of_history(owner: Any, name: str) -> Any:
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'a checkpoint may not look up {name} of {owner}')
    return getattr(owner, name)


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


def _open(path: Path) -> Any:
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
    try:
        with allow_mmengine_pickles():
            return torch.load(path, map_location='cpu', weights_only=True)
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
