"""Files are whole or not there, whatever happens while they are written."""

import errno
import json
import os
import stat

import pytest

from hybrid_backbones.errors import OutputError
from hybrid_backbones.utils.files import atomic_path, write_json


def test_written(tmp_path):
    target = tmp_path / 'new' / 'folder' / 'name.txt'
    with atomic_path(target) as part:
        assert part.parent == target.parent
        assert (part.suffix, part.name[0]) == ('.txt', '.')
        part.write_text('content')
        assert not target.exists()
    assert target.read_text() == 'content'
    assert os.listdir(target.parent) == ['name.txt']


def test_rights_are_those_of_new_files(tmp_path):
    (tmp_path / 'plain').touch()
    with atomic_path(tmp_path / 'target') as part:
        part.touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ('plain', 'target')}
    assert len(modes) == 1


def test_failure_keeps_the_old_file(tmp_path):
    target = tmp_path / 'name.txt'
    target.write_text('old')
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as part:
        part.write_text('half')
        raise KeyboardInterrupt
    assert target.read_text() == 'old'
    assert os.listdir(tmp_path) == ['name.txt']


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no full disk to write to')
def test_full_disk(tmp_path):
    """The part file leads to a device that is always full."""
    target = tmp_path / 'name.txt'
    target.write_text('old')
    with pytest.raises(OSError) as caught, atomic_path(target) as part:
        part.symlink_to('/dev/full')
        part.write_text('new')
    assert caught.value.errno == errno.ENOSPC
    assert target.read_text() == 'old'
    assert os.listdir(tmp_path) == ['name.txt']


def test_folder_of_that_name(tmp_path):
    """It is refused before anything is written, and left alone."""
    (tmp_path / 'taken').mkdir()
    (tmp_path / 'taken' / 'file').touch()
    with pytest.raises(OutputError) as caught, atomic_path(tmp_path / 'taken'):
        pytest.fail('nothing is to be written')
    assert caught.value.errno == errno.EISDIR
    assert os.listdir(tmp_path) == ['taken']
    assert os.listdir(tmp_path / 'taken') == ['file']


def test_two_writers(tmp_path):
    """Each has its own part; the last to finish wins."""
    target = tmp_path / 'name.txt'
    with atomic_path(target) as first, atomic_path(target) as second:
        assert first != second
        first.write_text('first')
        second.write_text('second')
    assert target.read_text() == 'first'
    assert os.listdir(tmp_path) == ['name.txt']


def test_json(tmp_path):
    write_json(str(tmp_path / 'a' / 'b.json'), dict(x=[1]))
    assert json.loads((tmp_path / 'a' / 'b.json').read_text()) == dict(x=[1])
    with pytest.raises(TypeError):
        write_json(tmp_path / 'a' / 'b.json', dict(x=object()))
    assert json.loads((tmp_path / 'a' / 'b.json').read_text()) == dict(x=[1])
    assert os.listdir(tmp_path / 'a') == ['b.json']
