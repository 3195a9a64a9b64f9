"""torch's safe loading, switched off by the environment."""

from pathlib import Path

import pytest
import torch

from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import read_checkpoint

VARIABLE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
POSE = 'topdown_hrformer_t_210e_coco_256x192'


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    'arguments',
    [
        ('train', POSE, '--mini'),
        ('test', POSE, 'a.pth', '--mini'),
        ('predict', POSE, 'a.jpg'),
        ('reproduce',),
        ('convert', 'a.pth', 'b.pth'),
        ('export', 'uniformer_xxs'),
        ('visualize', 'features', 'uniformer_xxs'),
    ],
)
def test_refused(command, monkeypatch, arguments):
    monkeypatch.setenv(VARIABLE, 'true')
    line = command(*arguments).refusal
    assert VARIABLE in line and '--allow-unsafe-load' in line


def test_allowed(command, monkeypatch):
    monkeypatch.setenv(VARIABLE, '1')
    line = command('convert', 'gone.pth', 'b.pth', '--allow-unsafe-load').refusal
    assert 'no checkpoint file gone.pth' in line
    assert 'random weights' not in line and 'init_cfg' not in line, 'of no use here'


def test_our_own_reader_is_safe_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, '1')
    ran = tmp_path / 'ran'
    torch.save(dict(state_dict={'a': torch.ones(1)}, bad=Touch(ran)), tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match='could run code'):
        read_checkpoint(tmp_path / 'bad.pth')
    assert not ran.exists()
    torch.load(tmp_path / 'bad.pth')
    assert ran.exists(), 'it is a file that does'
