"""Set up before any test: thread use that suits shared machines, and importable libraries."""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import pytest
import torch
from mmengine.registry import DefaultScope

from hybrid_backbones.openmmlab.library import prepare_libraries

prepare_libraries()


@pytest.fixture(autouse=True)
def same_seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_default_scope(monkeypatch):
    """What a test makes the default scope, as inferencers do for good, is not the next one's."""
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())
