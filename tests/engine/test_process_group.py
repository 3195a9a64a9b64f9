"""Processes leave their group when a training or test is over."""

import pytest
import torch

from hybrid_backbones.engine.process_group import is_first_process, leave_process_group
from hybrid_backbones.errors import Stopped


@pytest.fixture
def group(tmp_path):
    store = f'file://{(tmp_path / "store").as_posix()}'
    torch.distributed.init_process_group('gloo', init_method=store, rank=0, world_size=1)
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def test_alone():
    leave_process_group()


def test_in_a_group(group):
    leave_process_group()
    assert not torch.distributed.is_initialized()


def test_after_training(group, command, monkeypatch):
    monkeypatch.setattr('hybrid_backbones.engine.train.train', lambda **_: None)
    command('train', 'maskrcnn_uniformer_xxs_1x')
    assert not torch.distributed.is_initialized()


def test_after_a_signal(group, command, monkeypatch):
    def stopped(**_):
        raise Stopped('stopped', 15)

    monkeypatch.setattr('hybrid_backbones.engine.train.train', stopped)
    assert command('train', 'maskrcnn_uniformer_xxs_1x').status == 143
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    'environment, first',
    [
        ({}, True),
        (dict(RANK='0'), True),
        (dict(RANK='3'), False),
        (dict(SLURM_PROCID='1'), False),
        (dict(RANK='0', SLURM_PROCID='1'), True),  # torchrun on the second machine of a job
        (dict(OMPI_COMM_WORLD_RANK='2'), False),
    ],
)
def test_first_process(environment, first):
    assert is_first_process(environment) == first
