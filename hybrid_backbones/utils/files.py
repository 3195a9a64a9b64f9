"""Writing files whole or not at all."""

import errno
import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Iterator, Union
from uuid import uuid4

from ..errors import OutputError

_PART = re.compile(r'\.[0-9a-f]{8}-.')
_LONGEST = 60  # letters of a name that its part repeats: file systems take 255 bytes
# what disks and folders say, whatever is written to them
REFUSALS = frozenset(
    (
        errno.EACCES,
        errno.EDQUOT,
        errno.EEXIST,
        errno.EFBIG,
        errno.EIO,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    )
)


@contextmanager
def atomic_path(target: Union[str, Path]) -> Iterator[Path]:
    """A path to write to, which takes the place of ``target`` at the end of the block.

    It lies beside ``target``, in a folder that is made if necessary, and ends as ``target`` does.
    If the block fails, nothing is left, no new folder either, and an older ``target`` stays. A link
    stays a link; into a device or a pipe the content is copied.

    Raises:
        OutputError: The folder cannot be made, ``target`` is a folder, or the disk is full.
    """
    target = Path(target)
    with output_errors(target):
        _refuse_folder(target)  # before the work of writing, not after
        is_device = target.exists() and not target.is_file()
    if is_device:
        with TemporaryDirectory() as folder:
            part = Path(folder) / target.name
            yield part
            with output_errors(target), open(part, 'rb') as source, open(target, 'wb') as file:
                shutil.copyfileobj(source, file)
        return
    place = target.resolve() if target.is_symlink() else target
    part = place.with_name(f'.{uuid4().hex[:8]}-{target.name[-_LONGEST:]}')
    with output_errors(target, part), new_folder(place.parent):
        try:
            yield part
            os.replace(part, place)
        finally:
            with suppress(OSError):  # the one that ended the block says more
                part.unlink()


def _refuse_folder(target: Path) -> None:
    if target.is_dir():
        raise OutputError(errno.EISDIR, 'it is a folder, not a file', str(target))


@contextmanager
def output_errors(target: Union[str, Path], *parts: Path) -> Iterator[None]:
    """Raise what a disk or a folder refuses as an :class:`OutputError` that names ``target``.

    Errors that name another file are others', and pass.

    Args:
        target: What the user has named.
        parts: Files or folders that stand for it meanwhile.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        # writing to an open file names none
        about_it = error.errno in REFUSALS
        if error.filename is not None:
            named = Path(os.fsdecode(error.filename))
            about_it = any(
                named == path or named in path.parents or path in named.parents
                for path in (Path(target), *parts)
            )
        if not about_it:
            raise
        raise OutputError(error.errno, _reason(error, Path(target)), str(target)) from None


def _reason(error: OSError, target: Path) -> str:
    for folder in reversed(target.parents):
        with suppress(OSError):
            if folder.exists() and not folder.is_dir():
                return f'{folder} is a file, not a folder'
    return error.strerror or str(error)


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; if the block fails, remove those that are new and empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        raise


class _Undo(Exception):
    """Ends the block of :func:`atomic_path`, which then leaves nothing."""


def check_file(path: Union[str, Path]) -> None:
    """See that a file can be written, before the work whose result it will hold.

    Raises:
        OutputError: It cannot be.
    """
    with suppress(_Undo), atomic_path(path) as part:
        with output_errors(path):
            part.write_bytes(bytes(4096))  # an empty file would fit on a full disk
        raise _Undo


def check_folder(folder: Union[str, Path]) -> None:
    """The same for files in a folder, which need not be there yet.

    Raises:
        OutputError: The folder cannot be made, or nothing can be written there.
    """
    try:
        check_file(Path(folder) / uuid4().hex)
    except OutputError as error:
        reason = str(error.strerror).replace(f'{folder} is a file', 'it is a file')
        raise OutputError(error.errno, reason, str(folder)) from None


def write_bytes(path: Union[str, Path], content: bytes) -> None:
    """Write a file that is whole or not there, also after the power has failed."""
    with atomic_path(path) as part, open(part, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if hasattr(os, 'O_DIRECTORY'):  # not on Windows: the folder's entry
        folder = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def path_inside(folder: Path, name: str) -> Path:
    """A path below a folder for a file whose name comes from data.

    A plain name, also one with folders, is kept. Of one that leads elsewhere, that a file system
    takes in another way, or that is too long, the last part stays with a hash of the whole.

    Args:
        folder: Where the file goes.
        name: Such as a ``file_name`` of COCO; with its ending. Different ones give different paths.
    """
    odd = name.startswith('/') or re.search(r'[\\:\x00-\x1f]', name)
    if odd or any(each == '..' or len(os.fsencode(each)) > 200 for each in name.split('/')):
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
        last = Path(re.sub(r'[:\x00-\x1f]', '_', re.split(r'[\\/]', name)[-1]))
        name = f'{last.stem[:_LONGEST].strip(".")}-{digest}{last.suffix[:_LONGEST]}'
    return folder / name


def remove_parts(folder: Union[str, Path]) -> None:
    """Remove what :func:`atomic_path` left half written when its process was killed."""
    for path in Path(folder).glob('.*'):
        if _PART.match(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def sha256_of(path: Union[str, Path]) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def write_text(path: Union[str, Path], text: str) -> None:
    """Write a file that is either whole or not there, in UTF-8; its lines end alike everywhere."""
    with atomic_path(path) as part:
        part.write_bytes(text.encode())


def write_json(path: Union[str, Path], content: Any) -> None:
    """Write JSON; the file is either whole or not there."""
    write_text(path, json.dumps(content, indent=1) + '\n')
