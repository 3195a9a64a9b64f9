"""Writing files whole or not at all."""

import errno
import hashlib
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Union
from uuid import uuid4

_PART = re.compile(r'\.[0-9a-f]{8}-.')


@contextmanager
def atomic_path(target: Union[str, Path]) -> Iterator[Path]:
    """A path to write to, which takes the place of ``target`` at the end of the block.

    It lies beside ``target``, in a folder that is made if necessary, and ends as ``target`` does.
    If the block fails, nothing is left and an older ``target`` stays.

    Raises:
        OSError: The folder cannot be made, ``target`` is a folder, or the disk is full.
    """
    target = Path(target)
    if target.is_dir():  # before the work of writing, not after
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{uuid4().hex[:8]}-{target.name}')
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


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


def write_json(path: Union[str, Path], content: Any) -> None:
    """Write JSON; the file is either whole or not there."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1) + '\n')
