"""Checkpoints are read alike, and as safely, by torch's unpickler and by ours for older torches."""

import builtins
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from torch import nn

from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import open_file as reader
from hybrid_backbones.weights.open_file import open_file


@pytest.fixture(autouse=True, params=['torch', 'ours'])
def path(request, monkeypatch, tmp_path):
    """A file's path, with one of the two unpicklers in force."""
    if request.param == 'ours':
        monkeypatch.setattr(reader, 'torch_is_trusted', lambda: False)
    elif not reader.torch_is_trusted():
        pytest.skip("torch's own is used from 2.6 on")
    return tmp_path / 'file.pth'


def roundtrip(content, path, **options):
    torch.save(content, path, **options)
    return open_file(path)


@pytest.mark.parametrize('zipped', (True, False))
def test_a_training_checkpoint(path, zipped):
    """What mmengine saves: weights, an optimizer, numbers of numpy, a history of losses."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4).half())
    optimizer = torch.optim.AdamW(model.parameters())
    model[0].weight.grad = torch.ones_like(model[0].weight)
    optimizer.step()
    hub = MessageHub('test')
    for loss in (3.0, 1.0):
        hub.update_scalar('train/loss', loss)
    hub.update_info('best', np.float64(0.5))
    content = dict(
        state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(),
        message_hub=hub.state_dict(),
        meta=dict(iter=2, colors=np.zeros((2, 3), np.uint8), classes=('a', 'b')),
    )
    read = roundtrip(content, path, _use_new_zipfile_serialization=zipped)
    assert read['state_dict'].keys() == model.state_dict().keys()
    assert read['state_dict']._metadata == model.state_dict()._metadata
    for key, value in model.state_dict().items():
        assert torch.equal(read['state_dict'][key], value)
        assert read['state_dict'][key].dtype == value.dtype
    moments = optimizer.state_dict()['state'][0]['exp_avg']
    assert torch.equal(read['optimizer']['state'][0]['exp_avg'], moments)
    history = read['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert (history.mean(), history.current(), history.min()) == (2, 1, 1)
    assert read['message_hub']['runtime_info']['best'] == 0.5
    assert read['meta']['classes'] == ('a', 'b')
    assert np.array_equal(read['meta']['colors'], np.zeros((2, 3)))


class Call:
    """Pickled as a call."""

    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


def evil(canary):
    code = f'open({str(canary)!r}, "w")'
    return {
        'exec': Call(exec, code),
        'eval': Call(eval, code),
        'open': Call(builtins.open, str(canary), 'w'),
        'compile': Call(compile, code, '', 'exec'),
        'getattr of an array': Call(getattr, np.ndarray, 'tofile'),
        'getattr of a class': Call(getattr, HistoryBuffer, '__init__'),
        'import': Call(__import__, 'os'),
        'numpy load': Call(np.load, str(canary)),
        'torch load': Call(torch.load, str(canary)),
        'a whole module': nn.Linear(1, 1),
        'inside a dict': OrderedDict(a=[Call(exec, code)]),
    }


@pytest.mark.parametrize('zipped', (True, False))
@pytest.mark.parametrize('kind', evil(''))
def test_no_code_runs(path, tmp_path, kind, zipped):
    canary = tmp_path / 'canary'
    torch.save(evil(canary)[kind], path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError):
        open_file(path)
    assert not canary.exists()


def test_the_type_is_named(path):
    torch.save(Call(exec, 'pass'), path)
    with pytest.raises(CheckpointError, match='holds exec, which is no weight'):
        open_file(path)


class Raw:
    """A pickle of opcodes that Python would not write, saved by torch.

    Args:
        opcodes: Without the frame.
    """

    def __init__(self, opcodes: bytes):
        self.opcodes = opcodes

    def save(self, path):
        torch.save({'a': 0}, path)
        with zipfile.ZipFile(path) as parts:
            contents = {name: parts.read(name) for name in parts.namelist()}
        with zipfile.ZipFile(path, 'w') as parts:
            for name, content in contents.items():
                parts.writestr(name, self.opcodes if name.endswith('data.pkl') else content)


HISTORY = b'cmmengine.logging.history_buffer\nHistoryBuffer\n'
OPCODES = {
    # HistoryBuffer.__dict__ would be given new statistics
    'state of a class': b'\x80\x02' + HISTORY + b'N}X\x04\x00\x00\x00meanK\x01s\x86b.',
    'old way to create': b'\x80\x02(icollections\nOrderedDict\n.',
    'obj': b'\x80\x02(' + b'ccollections\nOrderedDict\n' + b'o.',
    'extension': b'\x80\x02\x82\x01.',
    'dotted name': b'\x80\x04\x8c\x0btorch._utils\x8c\x0fos.path.expanduser\x93.',
}


@pytest.mark.parametrize('kind', OPCODES)
def test_opcodes(path, kind):
    before = dict(vars(HistoryBuffer))
    Raw(OPCODES[kind]).save(path)
    with pytest.raises(CheckpointError):
        open_file(path)
    assert dict(vars(HistoryBuffer)) == before


def test_torchscript(path):
    """May run code when it is loaded, in torch before 2.6 even if weights alone are asked for."""
    torch.jit.script(nn.Linear(1, 1)).save(str(path))
    with pytest.raises(CheckpointError):
        open_file(path)


def test_streams_too(path):
    torch.save(Call(exec, 'pass'), path)
    with open(path, 'rb') as stream, pytest.raises(pickle.UnpicklingError):
        reader.load_weights_only(stream)
