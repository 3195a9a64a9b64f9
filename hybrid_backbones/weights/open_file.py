"""Opening checkpoint files, without running what a stranger pickled into them."""

import contextlib
import os
import pickle
import re
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Optional, Union

import torch

from ..errors import CheckpointError
from .allowed import globals_of_mmengine
from .unpickler import as_pickle_module

# torch before this can neither be told what is allowed nor trusted with TorchScript archives
TRUSTED = (2, 6)


FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'  # set, torch takes no unpickler, not even a safer one


def torch_is_trusted() -> bool:
    """Whether ``torch.load(weights_only=True)`` of this version is used."""
    return tuple(int(part) for part in torch.__version__.split('.')[:2]) >= TRUSTED


@contextlib.contextmanager
def allow_mmengine_pickles() -> Iterator[None]:
    """While entered, ``torch.load(weights_only=True)`` reads the checkpoints mmengine saves.

    It can be entered within itself, unlike torch's own ``safe_globals``. Before torch 2.6 it does
    nothing: there ``torch.load`` reads them anyway, and :func:`load_weights_only` does so safely.
    """
    if not torch_is_trusted():
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


def load_weights_only(
    file: Union[Path, BinaryIO], map_location: Any = 'cpu', mmap: Optional[bool] = None
) -> Any:
    """``torch.load`` of tensors, plain values, and what mmengine saves beside them.

    Args:
        file: A path, or a stream that can be rewound.
        map_location: As of ``torch.load``.
        mmap: As of ``torch.load``.

    Raises:
        UnpicklingError: The file holds something else, which could run code.
    """
    options: Any = dict(map_location=map_location, mmap=mmap)
    if torch_is_trusted():
        with allow_mmengine_pickles():
            return torch.load(file, weights_only=True, **options)
    _refuse_containers(file)
    name = str(file) if isinstance(file, Path) else file  # with mmap torch 2.1 takes no other path
    with _unset(FORCE):
        return torch.load(name, pickle_module=as_pickle_module(), weights_only=False, **options)


@contextlib.contextmanager
def _unset(variable: str) -> Iterator[None]:
    value = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[variable] = value


def _refuse_containers(file: Union[Path, BinaryIO]) -> None:
    """Refuse what ``torch.load`` would not unpickle, but give to TorchScript or unpack as a tar.

    Looked at as torch does: what Python's ``zipfile`` says of the same bytes can differ.
    """
    if isinstance(file, Path):
        with open(file, 'rb') as stream:
            _refuse_containers(stream)
        return
    start = file.tell()
    serialization: Any = torch.serialization
    if serialization._is_zipfile(file):
        with serialization._open_zipfile_reader(file) as parts:
            if serialization._is_torchscript_zip(parts):
                raise pickle.UnpicklingError('not allowed: GLOBAL torch.jit.ScriptModule')
    else:
        with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=file, mode='r:'):
            raise pickle.UnpicklingError('not allowed: a tar file')
    file.seek(start)


# what torch.load raises for bytes that are no checkpoint, or half of one
_UNREADABLE = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
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
    mmap = True if briefly and _is_zip(path) else None
    try:
        return load_weights_only(path, mmap=mmap)
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
    if not _is_zip(path):
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


def _is_zip(path: Path) -> bool:
    """Whether torch takes the file for one: by its first bytes, whatever ends it."""
    with open(path, 'rb') as file:
        return file.read(4) == b'PK\x03\x04'


def _looks_saved_by_torch(path: Path) -> bool:
    with open(path, 'rb') as file:
        return _is_zip(path) or file.read(1) == b'\x80'  # or a pickle's first byte


def _damaged(path: Path) -> CheckpointError:
    with open(path, 'rb') as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b'<!doctype', b'<html')):
        return CheckpointError(
            f'{path} is a web page, not a checkpoint: open the link in a browser and save the file'
        )
    return CheckpointError(f'{path} is no checkpoint, or damaged ({path.stat().st_size} bytes)')
