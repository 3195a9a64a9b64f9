"""Failures of other code as one line."""

import errno
import pickle

import pytest

from hybrid_backbones.errors import (
    CheckpointError,
    ConfigError,
    OutputError,
    as_config_error,
    one_line,
)


def fail(error, *arguments):
    with as_config_error(*arguments):
        raise error


def test_one_line():
    assert one_line(ValueError('a\n  b\tc')) == 'a b c'
    assert one_line(KeyError()) == 'KeyError'


def test_as_config_error():
    with pytest.raises(ConfigError, match=r'^mine: TypeError: two lines$') as caught:
        fail(TypeError('two\nlines'), 'mine')
    assert caught.value.__suppress_context__
    with pytest.raises(ConfigError, match=r'^two lines$'):
        fail(TypeError('two\nlines'))


def test_only_some_kinds():
    with pytest.raises(ConfigError, match=r'^mine: KeyError: 1$'):
        fail(KeyError(1), 'mine', (OSError, KeyError))
    with pytest.raises(TypeError):
        fail(TypeError(), 'mine', (OSError, KeyError))


@pytest.mark.parametrize('kind', [ConfigError, CheckpointError])
def test_our_own_pass(kind):
    with pytest.raises(kind, match=r'^as it is$'):
        fail(kind('as it is'), 'mine')


def test_what_cannot_be_written_passes():
    error = OutputError(errno.ENOSPC, 'the disk is full', 'a.png')
    with pytest.raises(OutputError, match=r'^cannot write a\.png: the disk is full$'):
        fail(error, 'mine')
    again = pickle.loads(pickle.dumps(error))  # from another process
    assert (type(again), str(again), again.errno) == (OutputError, str(error), errno.ENOSPC)


def test_interrupts_pass():
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt(), 'mine')
