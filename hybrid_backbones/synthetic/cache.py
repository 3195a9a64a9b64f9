"""Folders written once, and in one step: never half a set, never over files of others."""

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Sequence
from uuid import uuid4

import cv2
from numpy.typing import NDArray

from ..errors import ConfigError
from ..utils.files import new_folder, output_errors

STAMP = 'mini.json'  # in each set's folder: what was written


def write_once(root: Path, made: Dict[str, Any], write: Callable[[Path], None]) -> Path:
    """Write a set at ``root``, unless the same set is there already.

    Args:
        root: Folder of the set. One of an older version, or of another seed, is replaced.
        made: What sets like this one differ in (JSON types). ``made['set']``, if there, names the
            kind of set; a folder with a set of another kind is never replaced.
        write: Writes the set into the empty folder it is called with.

    Returns:
        ``root``.

    Raises:
        ConfigError: ``root`` holds something else.
        OutputError: It cannot be written; nothing is left.
    """
    root = Path(root)
    there = _read_stamp(root)
    if there == made:
        return root
    if there is not None and there.get('set') != made.get('set'):
        raise ConfigError(f'{root} holds another mini set; move it away')
    fresh = root.with_name(f'.{root.name}-{uuid4().hex[:8]}')
    with output_errors(root, fresh), new_folder(root.parent):
        try:
            fresh.mkdir()
            write(fresh)
            (fresh / STAMP).write_text(json.dumps(made), encoding='utf-8')
            _replace(fresh, root)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return root


def write_image(path: Path, image: NDArray[Any], settings: Sequence[int]) -> None:
    """OpenCV's ``imwrite``, which does not say that a disk is full."""
    path.write_bytes(cv2.imencode(path.suffix, image, settings)[1].tobytes())


def _read_stamp(root: Path) -> Optional[Dict[str, Any]]:
    stamp = root / STAMP
    return json.loads(stamp.read_text(encoding='utf-8')) if stamp.is_file() else None


def _replace(fresh: Path, root: Path) -> None:
    """Put the finished set in place in one step; never remove what we did not write."""
    if (root / STAMP).is_file():
        shutil.rmtree(root)
    try:
        fresh.rename(root)
    except OSError:
        if not (root / STAMP).is_file():  # else another process was first, with the same set
            raise ConfigError(f'{root} exists and is no mini set; move it away') from None
