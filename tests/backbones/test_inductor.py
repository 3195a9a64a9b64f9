"""Compiled backbones, folded before, against the recorded numbers of the authors' code."""

import shutil

import pytest
import torch

from hybrid_backbones.deploy import fold
from tests.backbones.test_equivalent_paths import RUNS as ALL_RUNS
from tests.backbones.test_equivalent_paths import assert_levels, published

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which('g++'), reason='torch.compile needs a C++ compiler'),
]


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


RUNS = [
    run for run in ALL_RUNS if run.id not in ('hrformer_tiny@pose-192x256', 'uniformer_xxs@192x256')
]


@pytest.mark.parametrize('family, golden', RUNS)
def test_compiled(family, golden):
    compiled = torch.compile(fold(published(family, golden)), fullgraph=True)
    with torch.no_grad():
        assert_levels(family, golden, compiled(golden.image()))
