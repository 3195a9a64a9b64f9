"""mmengine's own loader, once it has been made safe."""

import io
import pickle

import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint

from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.openmmlab.safe_loading import load_safely
from hybrid_backbones.weights.download import cached_copy


class Canary:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.fixture(autouse=True)
def safe(monkeypatch):
    for name in ('torch', 'load_url'):
        monkeypatch.setattr(mmengine_checkpoint, name, getattr(mmengine_checkpoint, name))
    load_safely()
    load_safely()  # once more changes nothing


def load(source):
    return CheckpointLoader.load_checkpoint(str(source), 'cpu')


def test_weights(tmp_path):
    torch.save(dict(state_dict=dict(a=torch.ones(2)), meta={}), tmp_path / 'a.pth')
    assert load(tmp_path / 'a.pth')['state_dict']['a'].tolist() == [1, 1]


def test_no_code_runs(tmp_path):
    torch.save(dict(state_dict={}, hub=Canary(tmp_path / 'canary')), tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='could run code'):
        load(tmp_path / 'a.pth')
    assert not (tmp_path / 'canary').exists()


def test_no_code_runs_from_a_url(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    url = 'http://localhost:1/a.pth'
    cached_copy(url).parent.mkdir(parents=True)
    torch.save(dict(state_dict={}, hub=Canary(tmp_path / 'canary')), cached_copy(url))
    with pytest.raises(CheckpointError, match='could run code'):
        load(url)
    assert not (tmp_path / 'canary').exists()


@pytest.mark.parametrize('options', ({}, dict(weights_only=False)))
def test_streams(tmp_path, options):
    """What came from elsewhere, whatever mmengine asks for."""
    stream = io.BytesIO()
    torch.save(dict(hub=Canary(tmp_path / 'canary')), stream)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError):
        mmengine_checkpoint.torch.load(stream, map_location='cpu', **options)
    assert not (tmp_path / 'canary').exists()


def test_all_else_is_torch():
    assert mmengine_checkpoint.torch.save is torch.save
    assert mmengine_checkpoint.torch.nn is torch.nn
