"""What a run's folder says, and its lock."""

import os
import subprocess
import sys

import pytest

from hybrid_backbones.experiment.state import (
    Attempt,
    State,
    is_locked,
    lock,
    read_state,
    write_state,
)

pytest.importorskip('fcntl')


def test_written_and_read_again(tmp_path):
    state = State('failed', 'train', attempts=[Attempt('train', 'now', 3.0, 1, 'crashed', 'x')])
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert read_state(tmp_path).last.reason == 'x'


@pytest.mark.parametrize('text', ['', '{"sta', '[]', '{"other": 1}'])
def test_a_damaged_file(tmp_path, text):
    (tmp_path / 'run.json').write_text(text)
    assert read_state(tmp_path) == State()


def test_running_or_torn(tmp_path):
    """A process that is gone has not said how it ended."""
    write_state(tmp_path, State('running'))
    assert read_state(tmp_path).status == 'torn'
    held = lock(tmp_path)
    assert read_state(tmp_path).status == 'running'
    assert lock(tmp_path) is None
    held.close()
    assert read_state(tmp_path).status == 'torn'


def test_a_child_keeps_the_lock(tmp_path):
    """Also when the command that started it was killed: the file is closed here."""
    held = lock(tmp_path)
    words = [sys.executable, '-c', 'input()']
    child = subprocess.Popen(words, stdin=subprocess.PIPE, pass_fds=[held.fileno()])
    held.close()
    assert is_locked(tmp_path)
    child.communicate(os.linesep.encode())
    assert not is_locked(tmp_path)
    assert not is_locked(tmp_path / 'none')
    assert not (tmp_path / 'none').exists()
