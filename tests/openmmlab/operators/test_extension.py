"""Which function of the stand-in is called for tensors of which device."""

import pytest
import torch

from hybrid_backbones.openmmlab.operators import torchvision_kernels
from hybrid_backbones.openmmlab.operators.extension import StandIn

BOXES = [[0.0, 0, 2, 2], [0, 0, 2, 2]]


@pytest.fixture
def calls(monkeypatch):
    """How often torchvision would have served."""
    found = []
    monkeypatch.setitem(torchvision_kernels.FUNCTIONS, 'nms', lambda *_: found.append(1))
    return found


@pytest.mark.parametrize(
    'device, on_cpu, expected', [('cpu', True, 1), ('cpu', False, 0), ('meta', False, 1)]
)
def test_torchvision_serves_on_a_gpu(calls, device, on_cpu, expected):
    boxes = torch.tensor(BOXES, device=device)
    StandIn(True, on_cpu).nms(boxes, boxes[:, 2], 0.5, 0)
    assert len(calls) == expected


def test_keywords_as_mmcv_gives_them(calls):
    boxes = torch.tensor(BOXES)
    keep = StandIn(True, on_cpu=False).nms(boxes, boxes[:, 2], iou_threshold=0.5, offset=0)
    assert keep.tolist() == [0] and not calls
