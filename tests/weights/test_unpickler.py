"""Checkpoints are read alike, and as safely, by torch's unpickler and by ours for older torches."""

import builtins
import copy
import io
import os
import pickle
import pickletools
import tarfile
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.optim import MultiStepLR
from torch import nn

from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import open_file as reader
from hybrid_backbones.weights.allowed import NUMBERS
from hybrid_backbones.weights.open_file import open_file


@pytest.fixture(autouse=True, params=['torch', 'ours'])
def path(request, monkeypatch, tmp_path):
    """A file's path, with one of the two unpicklers in force."""
    if request.param == 'ours':
        monkeypatch.setattr(reader, 'torch_is_trusted', lambda: False)
    elif not reader.torch_is_trusted():
        pytest.skip("torch's own reader is not trusted before torch 2.6")
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


@pytest.mark.parametrize('zipped', (True, False))
def test_milestones(path, zipped):
    """A scheduler counts how often each of its milestones is named."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.1)
    state = MultiStepLR(optimizer, [8, 11]).state_dict()
    read = roundtrip(state, path, _use_new_zipfile_serialization=zipped)
    assert read['milestones'] == Counter([8, 11]) and type(read['milestones']) is Counter


def test_plain_values(path):
    parameter = nn.Parameter(torch.ones(2))
    parameter.note = 'kept'
    content = [{1, 2}, 1j, b'\xff', bytearray(b'\xff'), torch.device('cpu'), torch.Size([2])]
    read = roundtrip([*content, parameter], path)
    assert read[:-1] == content
    assert read[-1].note == 'kept' and torch.equal(read[-1], parameter)


@pytest.mark.parametrize('kind', NUMBERS)
def test_arrays(path, kind):
    """In either byte order; saved again they are numpy's own."""
    for order in '<>':
        array = np.array([[0, 1], [1, 0]], np.dtype(kind).newbyteorder(order))
        read = roundtrip([array, array[0, 1], array.T], path)
        assert np.array_equal(read[0], array) and read[0].dtype.name == kind
        assert read[1] == 1 and type(read[1]) is type(array[0, 1])
        assert np.array_equal(read[2], array.T)
        assert type(pickle.loads(pickle.dumps(read[0]))) is np.ndarray
        assert np.array_equal(roundtrip(read[0], path), array)


class Set(Call):
    """Pickled as a call, and a state for what it gives."""

    def __init__(self, function, *arguments, state):
        self.parts = function, arguments, state


def int64(state):
    return Set(np.dtype, 'i8', False, True, state=state)


POINTER = b'ABCDEFGH'
PLAIN = int64((3, '<', None, None, None, -1, -1, 0))
OBJECTS = Call(np.dtype, 'O')
CORE = np.core if np.__version__ < '2' else np._core


def array(kind, content, shape=(1,)):
    state = (1, shape, kind, False, content)
    return Set(CORE.multiarray._reconstruct, np.ndarray, (0,), b'b', state=state)


ARRAYS = {
    'objects': array(OBJECTS, POINTER),
    'objects in a part': array(int64((3, '<', (OBJECTS, (1,)), None, None, -1, -1, 0)), POINTER),
    'objects in a field': Call(CORE.multiarray.scalar, Call(np.dtype, [('a', 'O')]), POINTER),
    'too few bytes': array(PLAIN, POINTER, (1 << 20,)),
    'an array as its bytes': Call(CORE.multiarray.scalar, OBJECTS, array(PLAIN, POINTER)),
    'a number of none': Call(CORE.multiarray.scalar, PLAIN, b''),
    'memory': Call(np.ndarray, (1 << 40,)),
    'text': np.array(['a']),
}


@pytest.mark.parametrize('kind', ARRAYS)
def test_arrays_of_other_things(path, kind):
    """numpy's own functions would follow pointers that the file holds."""
    torch.save(ARRAYS[kind], path)
    with pytest.raises(CheckpointError):
        open_file(path)


def test_flags_of_a_type_do_not_count(path):
    """A type of numbers that says its numbers are pointers is one of numbers all the same."""
    torch.save(array(int64((3, '<', None, None, None, -1, -1, 63)), POINTER), path)
    assert open_file(path).tobytes() == POINTER


@pytest.mark.parametrize(
    'call',
    [
        Call(torch.Size, 1, 2),
        Call(OrderedDict, 3),
        Call(torch._utils._rebuild_tensor_v2, 1),
        Call(CORE.multiarray.scalar, 1, 2),
    ],
)
def test_calls_with_wrong_arguments(path, call):
    torch.save(call, path)
    with pytest.raises(CheckpointError):
        open_file(path)


def test_a_wrong_byte_in_a_pickle(path):
    """Read or refused; nothing else comes out."""
    torch.save({'a': torch.ones(2), 'b': (np.float64(1), np.ones(2))}, path)
    with zipfile.ZipFile(path) as parts:
        (name,) = (name for name in parts.namelist() if name.endswith('data.pkl'))
        good = parts.read(name)
    refused = 0
    for place in range(0, len(good), 3):
        Raw(good[:place] + bytes([good[place] ^ 0x11]) + good[place + 1 :]).save(path)
        try:
            open_file(path)
        except CheckpointError as error:
            refused += 1
            assert '\n' not in str(error)
    assert refused > len(good) / 12


def test_forced_by_the_environment(path, monkeypatch):
    """What asks torch for weights alone does not keep ours from reading weights alone."""
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    assert roundtrip({'a': 1}, path) == {'a': 1}
    assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1'


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


def test_a_torchscript_archive_with_other_ends(path):
    """Python's zipfile looks at the end of a file, and torch at its start."""
    torch.jit.script(nn.Linear(1, 1)).save(str(path))
    whole = path.read_bytes()
    for end in (b'PK\x05\x06', b'x', b'PK\x05\x06' + bytes(17), bytes(1 << 17)):
        path.write_bytes(whole + end)
        with pytest.raises(CheckpointError):
            open_file(path)
        with open(path, 'rb') as stream, pytest.raises((pickle.UnpicklingError, RuntimeError)):
            reader.load_weights_only(stream)


def test_a_large_zip_with_another_end(path):
    """What it would grow to is asked of every file that torch takes for a zip."""
    torch.save({'a': 0}, path)
    with zipfile.ZipFile(path, 'a', zipfile.ZIP_DEFLATED) as parts:
        parts.writestr('file/data/9', bytes(1 << 24))
    with pytest.raises(CheckpointError, match='would grow'):
        open_file(path)
    path.write_bytes(path.read_bytes() + b'PK\x05\x06')
    with pytest.raises(CheckpointError):
        open_file(path)


def test_a_tar_of_torch_before_0_4(path):
    content = dict(storages=(0, []), tensors=(0,), pickle=({'model': {}},))
    with tarfile.open(path, 'w') as archive:
        for name, values in content.items():
            data = b''.join(pickle.dumps(value, 2) for value in values)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    with pytest.raises(CheckpointError, match='is no checkpoint'):
        open_file(path)


@pytest.mark.parametrize('protocol', (2, 4, 5))
def test_what_was_read_is_saved_as_of_numpy(path, protocol):
    """A checkpoint that is read and saved again needs nothing of this package."""
    content = roundtrip({'array': np.arange(3), 'dtype': np.dtype('float32')}, path)
    for each in (content, copy.copy(content), copy.deepcopy(content)):
        saved = pickle.dumps(each, protocol)
        names = [argument for _, argument, _ in pickletools.genops(saved)]
        assert not any('hybrid_backbones' in str(name) for name in names)
        again = pickle.loads(saved)
        assert type(again['array']) is np.ndarray and again['array'].tolist() == [0, 1, 2]
        assert again['dtype'] == np.dtype('float32')


def test_empty_arrays(path):
    """Whose content is pickled as a call of bytes; bytes of a size are refused."""
    assert roundtrip({'a': np.zeros((0, 3))}, path)['a'].shape == (0, 3)
    torch.save(Call(bytes, 1 << 30), path)
    with pytest.raises(CheckpointError):
        open_file(path)
