"""NCCL with one process: a step in a group is the step alone."""

import pytest
import torch.distributed as dist

from tests.analysis.small import SMALL
from tests.gpu.compare import Case, distance, limit_of
from tests.gpu.distributed import steps_alone_and_in_a_group

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('name', SMALL)
def test_nccl(name, tmp_path):
    if not dist.is_nccl_available():
        pytest.skip('this torch has no NCCL')
    case = Case(SMALL[name]())
    alone, grouped = steps_alone_and_in_a_group(
        case.backbone.cuda(), case.image.cuda(), 'nccl', tmp_path
    )
    assert not distance(grouped, alone).exceeds(limit_of('fp32'))
