"""Compiled backbones, folded or not, against the recorded numbers of the authors' code."""

import shutil

import pytest
import torch

from hybrid_backbones.deploy import fold

from .test_fast_paths import RUNS, assert_levels, published

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which('g++'), reason='torch.compile needs a C++ compiler'),
]
# folding leaves fewer operations to compile; UniFormer and CvT, quickly compiled, are taken as
# they are, too
FOLDED = {'conformer': (True,), 'hrformer': (True,), 'transxnet': (True,)}


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def cases():
    for run in RUNS:
        family, golden = run.values
        if golden.mode == 'pose':
            continue
        for folded in FOLDED.get(golden.variant.partition('_')[0], (True, False)):
            name = f'{golden.tag}-{"folded" if folded else "eager"}'
            yield pytest.param(family, golden, folded, id=name)


@pytest.mark.parametrize('family, golden, folded', cases())
def test_compiled(family, golden, folded):
    backbone = published(family, golden)
    compiled = torch.compile(fold(backbone) if folded else backbone, fullgraph=True)
    with torch.no_grad():
        assert_levels(family, golden, compiled(golden.image()))
