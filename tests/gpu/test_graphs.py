"""Every backbone's forward pass as a CUDA graph: nothing in it waits for the GPU."""

import pytest
import torch

from hybrid_backbones import create_backbone, list_backbones
from tests.gpu.compare import SIZE, largest, level_distances, limit_of
from tests.gpu.graphs import replayed

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('dtype, precision', [(torch.float32, 'fp32'), (torch.bfloat16, 'bf16')])
@pytest.mark.parametrize('name', list_backbones())
def test_replayed_on_other_images(name, dtype, precision):
    backbone = create_backbone(name).eval().to('cuda', dtype)
    image, other = (torch.randn(2, 3, *SIZE).to('cuda', dtype) for _ in range(2))
    found, expected = replayed(backbone, image, other)
    assert largest(level_distances(found, expected)) <= limit_of(precision).levels
