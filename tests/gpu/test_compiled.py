"""What Triton computes is what torch's own kernels do; a network of each kind of block."""

import pytest
import torch

from tests.gpu.compare import Case, distance
from tests.gpu.compiled import AS_EAGER, NETWORKS, both_ways

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize('name', NETWORKS)
def test_as_eager(name):
    found, expected = both_ways(Case(NETWORKS[name]()), 'cuda')
    assert not distance(found, expected).exceeds(AS_EAGER)
