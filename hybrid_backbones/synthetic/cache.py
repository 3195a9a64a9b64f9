"""Folders written once, and in one step: never half a set, never over files of others."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Optional

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
        FileExistsError: ``root`` holds something else.
    """
    root = Path(root)
    there = _read_stamp(root)
    if there == made:
        return root
    if there is not None and there.get('set') != made.get('set'):
        raise FileExistsError(f'{root} holds another mini set; move it away')
    root.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f'.{root.name}-', dir=root.parent))
    try:
        os.chmod(fresh, 0o755)
        write(fresh)
        (fresh / STAMP).write_text(json.dumps(made))
        _replace(fresh, root)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return root


def _read_stamp(root: Path) -> Optional[Dict[str, Any]]:
    stamp = root / STAMP
    return json.loads(stamp.read_text()) if stamp.is_file() else None


def _replace(fresh: Path, root: Path) -> None:
    """Put the finished set in place in one step; never remove what we did not write."""
    if (root / STAMP).is_file():
        shutil.rmtree(root)
    try:
        fresh.rename(root)
    except OSError:
        if not (root / STAMP).is_file():  # else another process was first, with the same set
            raise FileExistsError(f'{root} exists and is no mini set; move it away') from None
