"""Every backbone, forward and backward, in every precision, beside the CPU's fp32."""

import pytest

from hybrid_backbones import create_backbone, list_backbones
from tests.gpu.compare import PRECISIONS, Case, distance, limit_of

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module', params=list_backbones())
def case(request):
    """Of one backbone, for all precisions."""
    case = Case(create_backbone(request.param))
    return case, case.run('cpu')


@pytest.mark.parametrize('precision', PRECISIONS)
def test_as_on_the_cpu(case, precision):
    case, expected = case
    found = distance(case.run('cuda', PRECISIONS[precision]), expected)
    assert not found.exceeds(limit_of(precision))
