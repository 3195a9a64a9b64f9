"""Places that cannot be written to, and what lies there."""

import os
import subprocess
from pathlib import Path
from typing import Dict, NamedTuple

import pytest

OLD = b'what was here before'
SUFFIXES = ('.json', '.onnx', '.pkl', '.png', '.pt2', '.py', '.pth')


class Place(NamedTuple):
    """A place that refuses.

    Args:
        root: Folder whose content must stay.
        folder: Where a tool is told to write.
        reason: What is to be said.
    """

    root: Path
    folder: Path
    reason: str


def content(root: Path) -> Dict[str, bytes]:
    """All files, and folders without content, below a folder."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b''
        for path in sorted(root.rglob('*'))
    }


@pytest.fixture(scope='module')
def mounted(tmp_path_factory):
    """``mounted(64)``: a disk of 64 KiB, where mounting is allowed."""
    folders = []

    def mount(kilobytes: int) -> Path:
        folder = tmp_path_factory.mktemp('disk')
        command = ['mount', '-t', 'tmpfs', '-o', f'size={kilobytes}k', 'tmpfs', str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip('mounting a small disk is not allowed here')
        folders.append(folder)
        return folder

    yield mount
    for folder in folders:
        subprocess.run(['umount', '-l', str(folder)], check=True)


def fill(disk: Path, left: int = 0) -> None:
    """Leave so many bytes free."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / 'fill').write_bytes(bytes(free - left))


@pytest.fixture(scope='module')
def full(mounted):
    disk = mounted(64)
    (disk / 'old.json').write_bytes(OLD)
    fill(disk)
    return Place(disk, disk, 'No space left on device')


@pytest.fixture(scope='module')
def read_only(mounted):
    disk = mounted(64)
    (disk / 'old.json').write_bytes(OLD)
    subprocess.run(['mount', '-o', 'remount,ro', str(disk)], check=True)
    return Place(disk, disk, 'Read-only file system')


@pytest.fixture(scope='module')
def below_a_file(tmp_path_factory):
    """A file where a folder should be."""
    root = tmp_path_factory.mktemp('places')
    (root / 'file').write_bytes(OLD)
    return Place(root, root / 'file', 'is a file, not a folder')


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """A folder where a file should be, for any kind of file; and the other way round."""
    root = tmp_path_factory.mktemp('folders')
    for suffix in SUFFIXES:
        (root / f'out{suffix}').mkdir()
    (root / 'out.py' / 'old.txt').write_bytes(OLD)
    (root / 'out').write_bytes(OLD)
    return Place(root, root, 'it is a f')


@pytest.fixture(params=['full', 'read_only', 'below_a_file', 'folders'])
def place(request):
    return request.getfixturevalue(request.param)
