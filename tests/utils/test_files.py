"""Files are whole or not there, whatever happens while they are written."""

import errno
import json
import os
import stat

import pytest

from hybrid_backbones.errors import OutputError
from hybrid_backbones.utils.files import (
    atomic_path,
    check_file,
    check_folder,
    path_inside,
    write_json,
)


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


def refuse(number, *names):
    """An error as the system raises it."""
    raise OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_the_error_names_what_was_to_be_written(tmp_path, number):
    target = tmp_path / 'new' / 'folder' / 'name.txt'
    for names in ((), (str(target),), (str(target.parent),)):
        with pytest.raises(OutputError) as caught, atomic_path(target):
            refuse(number, *names)
        assert str(caught.value) == f'cannot write {target}: {os.strerror(number)}'
        assert caught.value.errno == number
        assert os.listdir(tmp_path) == [], 'folders that were made are removed'


def test_errors_about_other_files_pass(tmp_path):
    with pytest.raises(PermissionError), atomic_path(tmp_path / 'a'):
        refuse(errno.EACCES, '/elsewhere/b')
    with pytest.raises(ConnectionRefusedError), atomic_path(tmp_path / 'a'):
        refuse(errno.ECONNREFUSED)


def test_a_file_in_the_way(tmp_path):
    (tmp_path / 'file').write_text('old')
    for name in ('file/a.txt', 'file/b/a.txt'):
        with pytest.raises(OutputError, match=r'a.txt: .*file is a file, not a folder$'):
            check_file(tmp_path / name)
    with pytest.raises(OutputError, match=r'file: it is a file, not a folder$'):
        check_folder(tmp_path / 'file')
    assert (tmp_path / 'file').read_text() == 'old'


def test_checks_leave_nothing(tmp_path):
    (tmp_path / 'old').write_text('old')
    check_file(tmp_path / 'old')
    check_file(tmp_path / 'new' / 'file')
    check_folder(tmp_path / 'new' / 'folder')
    check_folder(tmp_path)
    assert os.listdir(tmp_path) == ['old'] and (tmp_path / 'old').read_text() == 'old'


def test_a_full_disk_is_found_though_empty_files_fit(tmp_path, monkeypatch):
    def write_bytes(path, data):
        path.touch()
        if data:
            refuse(errno.ENOSPC)

    monkeypatch.setattr('pathlib.Path.write_bytes', write_bytes)
    with pytest.raises(OutputError, match='No space left'):
        check_folder(tmp_path / 'new')
    assert os.listdir(tmp_path) == []


def test_links_and_devices_stay(tmp_path):
    (tmp_path / 'target').write_text('old')
    (tmp_path / 'link').symlink_to('target')
    with atomic_path(tmp_path / 'link') as part:
        part.write_text('new')
    assert (tmp_path / 'link').is_symlink() and (tmp_path / 'target').read_text() == 'new'
    (tmp_path / 'null').symlink_to(os.devnull)
    with atomic_path(tmp_path / 'null') as part:
        part.write_text('gone')
    check_file(tmp_path / 'null')
    assert os.path.realpath(tmp_path / 'null') == os.path.realpath(os.devnull)
    assert sorted(os.listdir(tmp_path)) == ['link', 'null', 'target']


def test_a_long_name(tmp_path):
    """As long as file systems take; its part has to fit too."""
    target = tmp_path / ('x' * 251 + '.txt')
    with atomic_path(target) as part:
        part.write_text('content')
    assert target.read_text() == 'content'
    with pytest.raises(OutputError, match='name too long'):
        check_file(tmp_path / ('x' * 252 + '.txt'))


NAMES = (
    'x.jpg',
    'a/x.jpg',
    'a b/x (1).jpg',
    '.x.jpg',
    '..x.jpg',
    'x..jpg',
    '../x.jpg',
    '../../x.jpg',
    'a/../../x.jpg',
    'a/../x.jpg',
    '/x.jpg',
    '/etc/x.jpg',
    '//host/x.jpg',
    '..',
    'a/..',
    '..\\..\\x.jpg',
    'C:\\x.jpg',
    'C:x.jpg',
    'x.jpg:stream',
    'a\nb.jpg',
    'a\0b.jpg',
    'x' * 300 + '.jpg',
    'y' * 300 + '.jpg',
    'x.' + 'j' * 300,
    'ä' * 150 + '.jpg',
)


def test_names_of_data_stay_inside(tmp_path):
    folder = tmp_path / 'out'
    paths = {name: path_inside(folder, name) for name in NAMES}
    assert paths['a/x.jpg'] == folder / 'a' / 'x.jpg', 'a plain name is kept'
    assert all(paths[name] == folder / name for name in NAMES[:6])
    for name, path in paths.items():
        assert folder in path.resolve().parents, name
        assert '\\' not in str(path) and ':' not in str(path), 'nor on Windows'
        if name.endswith('.jpg'):
            assert path.suffix == '.jpg'
        with atomic_path(path) as part:
            part.write_text(name)
    assert len(set(paths.values())) == len(NAMES), 'different names, different files'
    assert all(path.read_text() == name for name, path in paths.items())
    assert os.listdir(tmp_path) == ['out']
