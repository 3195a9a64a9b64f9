"""Compiled backbones, folded before."""

import shutil

import pytest
import torch

from hybrid_backbones import backbones
from hybrid_backbones.deploy import fold
from tests.backbones.test_equivalent_paths import RUNS as ALL_RUNS
from tests.backbones.test_equivalent_paths import assert_levels, published
from tests.deploy.randomise import randomise
from tests.parity import assert_level

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which('g++'), reason='torch.compile needs a C++ compiler'),
]


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


FEW_BLOCKS = {
    'Conformer': dict(patch=16, channel_ratio=1, depths=(1, 1, 1, 1)),
    'CvT': dict(depths=(1, 1, 1)),
    'HRFormer': dict(width=18, modules=(1, 1, 1), depth=1),
    'TransXNet': dict(
        depths=(1, 1, 1, 1),
        dims=(48, 96, 224, 448),
        heads=(1, 2, 4, 8),
        groups=(2, 2, 2, 2),
        mlp_ratios=(4, 4, 4, 4),
    ),
    'UniFormer': dict(depths=(1, 1, 1, 1)),
}


# a minute each; test_compile.py has the graphs of all families
EXTENDED = ('Conformer', 'HRFormer', 'TransXNet')


@pytest.mark.parametrize(
    'family',
    [
        pytest.param(family, marks=pytest.mark.extended if family in EXTENDED else ())
        for family in FEW_BLOCKS
    ],
)
def test_compiled(family):
    """What is compiled computes what is not, of which the recorded numbers are tested."""
    levels = dict(out_indices=(0, 1)) if family == 'TransXNet' else {}  # 40 s of C++ for all
    backbone = getattr(backbones, family)(FEW_BLOCKS[family], **levels).eval()
    folded = fold(randomise(backbone))
    compiled = torch.compile(fold(backbone), fullgraph=True)
    image = torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        for level, expected in zip(compiled(image), folded(image)):
            assert_level(level, expected, 1e-4)


RUNS = [
    run for run in ALL_RUNS if run.id not in ('hrformer_tiny@pose-192x256', 'uniformer_xxs@192x256')
]


@pytest.mark.extended
@pytest.mark.parametrize('family, golden', RUNS)
def test_published(family, golden):
    """Of full depth, against the recorded numbers."""
    compiled = torch.compile(fold(published(family, golden)), fullgraph=True)
    with torch.no_grad():
        assert_levels(family, golden, compiled(golden.image()))
