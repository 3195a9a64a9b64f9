"""No attention of any backbone is computed by the kernel that writes out all scores."""

import pytest
import torch

from hybrid_backbones import create_backbone, list_backbones
from tests.gpu.kernels import BUILT_SCORES, attention_kernels, train_without_scores
from tests.versions import from_torch

pytestmark = pytest.mark.gpu
SIZE = (160, 256)


def ready(name, dtype):
    backbone = create_backbone(name).to('cuda', dtype)
    return backbone, torch.randn(2, 3, *SIZE).to('cuda', dtype)


@from_torch('2.3', 'has no torch.nn.attention')
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float32], ids=str)
@pytest.mark.parametrize('name', list_backbones())
def test_fused_kernels_take_all(name, dtype):
    """Forward and backward."""
    train_without_scores(*ready(name, dtype))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize('name', list_backbones())
def test_fused_kernels_are_chosen(name, dtype):
    """By default, when torch may choose any."""
    backbone, image = ready(name, dtype)
    backbone.eval()
    with torch.no_grad():
        chosen = attention_kernels(lambda: backbone(image))
    assert chosen and BUILT_SCORES not in chosen
