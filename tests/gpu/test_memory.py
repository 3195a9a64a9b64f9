"""What a training step takes on a GPU, beside what ``training-memory`` counts without one."""

import pytest
import torch

from hybrid_backbones import create_backbone, list_backbones
from tests.gpu.compare import PRECISIONS
from tests.gpu.memory import (
    kept_by_forward,
    peak_of_step,
    predicted,
    wrong_of_kept,
    wrong_of_peak,
)

pytestmark = pytest.mark.gpu
SMALL = (2, 3, 224, 320)
LARGE = (2, 3, 512, 512)  # activations are most of it


@pytest.mark.parametrize('precision', ['fp32', 'bf16 autocast'])
@pytest.mark.parametrize('name', list_backbones())
def test_kept_for_the_backward_pass(name, precision):
    how = PRECISIONS[precision]
    backbone, image = create_backbone(name).cuda(), torch.randn(SMALL).cuda()
    measured = kept_by_forward(backbone, image, how)
    assert not wrong_of_kept(predicted(name, SMALL, how.autocast), measured)


@pytest.mark.parametrize('precision', ['fp32', 'bf16 autocast'])
@pytest.mark.parametrize(
    'name',
    ['conformer_small_patch32', 'cvt_13', 'hrformer_small', 'transxnet_t', 'uniformer_small'],
)
def test_peak_of_a_training_step(name, precision):
    how = PRECISIONS[precision]
    assert not wrong_of_peak(predicted(name, LARGE, how.autocast), peak_of_step(name, LARGE, how))
