"""bfloat16 on a CPU, against the numbers that were recorded from the authors' code in float32.

bfloat16 has 8 bits of precision: a number is off by up to 2**-9 = 0.2 % of itself. Each of some
twenty to forty layers adds its own such error to what it gets, and they are independent, so that a
level is expected some sqrt(40) * 0.1 % = 0.7 % from the truth, root mean square, and several times
that where a layer takes the difference of large numbers. What is asked for is 4 %, under
autocast and in pure bfloat16, where sums of residuals are rounded, too: a wrong mask, a bias in the
wrong place or a sum in 8 bits over thousands of tokens is tens of percent.
"""

import copy

import pytest
import torch

from hybrid_backbones import UniFormer, fold
from hybrid_backbones.deploy.autocast import cast_weights
from tests.backbones import test_conformer, test_cvt, test_hrformer, test_transxnet
from tests.backbones.test_uniformer import MODES, load
from tests.golden import goldens, published_state

TOLERANCE = 0.04
C = ('c2', 'c3', 'c4', 'c5')
OUTPUTS = dict(
    conformer=C,
    cvt=('out0', 'out1', 'out2'),
    hrformer=tuple(f'stream{i}' for i in range(4)),
    transxnet=C,
    uniformer=C,
)
RUNS = (
    'conformer_tiny_patch16@224x224',
    'cvt_13@224x224',
    'hrformer_tiny@seg-224x224',
    'transxnet_t@224x224',
    'uniformer_small@global-224x224',
    'uniformer_small@windows-192x256',
)


def uniformer(golden):
    backbone = UniFormer('small', stage3_attention=MODES[golden.mode]).eval()
    load(backbone, published_state(golden.variant, golden.mode))
    return backbone


BUILD = dict(
    conformer=test_conformer.published,
    cvt=lambda golden: test_cvt.published(golden)[0],
    hrformer=test_hrformer.published,
    transxnet=test_transxnet.published,
    uniformer=uniformer,
)


@pytest.fixture(params=RUNS)
def golden(request):
    family = request.param.partition('_')[0]
    (found,) = (golden for golden in goldens(family) if golden.tag == request.param)
    return found


@pytest.fixture
def backbone(golden):
    return BUILD[golden.variant.partition('_')[0]](golden)


def assert_near(levels, golden):
    """Root mean square of the differences at the recorded positions, over the level's own."""
    names = OUTPUTS[golden.variant.partition('_')[0]]
    assert len(levels) == len(names)
    for name, level in zip(names, levels):
        assert tuple(level.shape) == tuple(golden.arrays[f'{name}/shape'])
        positions = torch.from_numpy(golden.arrays[f'{name}/positions'])
        ours = level.contiguous().view(-1)[positions].float()
        theirs = torch.from_numpy(golden.arrays[f'{name}/values'])
        gap = (ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt()
        assert gap <= TOLERANCE, f'{golden.tag} {name}: {gap:.1%}'


def test_autocast(golden, backbone):
    """As it is and folded; with weights that were cast before, the same.

    But folded, where layers of such weights have their activations inside and round once less.
    """
    image, folded = golden.image(), fold(backbone)
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16):
        plain, quick = backbone(image), folded(image)
        cast = cast_weights(copy.deepcopy(backbone), torch.bfloat16)(image)
        inside = cast_weights(folded, torch.bfloat16)(image)
    for levels in (plain, quick, inside):
        assert_near(levels, golden)
    assert all(torch.equal(a, b) for a, b in zip(plain, cast))


def test_pure(golden, backbone):
    """Weights and images in bfloat16."""
    for each in (copy.deepcopy(backbone), fold(backbone)):
        with torch.inference_mode():
            levels = each.to(torch.bfloat16)(golden.image().bfloat16())
        assert {level.dtype for level in levels} == {torch.bfloat16}
        assert_near(levels, golden)
