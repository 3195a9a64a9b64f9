"""CvT against the numbers of the authors' code."""

import pytest
import torch
from torch import nn

from hybrid_backbones import CvT
from hybrid_backbones.backbones.cvt import QuickGELU
from hybrid_backbones.weights.families.cvt import AUTHORS
from tests.golden import assert_close, goldens, manifest, published_state, variants
from tests.parity import assert_gradients, load_published, slow_if

TOLERANCE = 3e-5
LEVELS = (0, 1, 2)


def arch_of(variant):
    return variant[len('cvt_') :]


def published(golden):
    """The three published stages with the published weights, and a place for the class token."""
    backbone = CvT(arch_of(golden.variant), out_indices=LEVELS).eval()
    load_published(backbone, AUTHORS, published_state(golden.variant))
    seen = []
    last = backbone.stages[2].blocks[-1]
    last.register_forward_hook(lambda module, args, out: seen.append(out[:, :1]))
    return backbone, seen


def slow_if_large(items):
    return slow_if(lambda name: 'w24' in name, items)


@pytest.mark.parametrize('golden', slow_if_large(goldens('cvt')))
def test_levels_and_class_token(golden):
    backbone, token = published(golden)
    with torch.inference_mode():
        levels = backbone(golden.image())
    for name, level in zip(('out0', 'out1', 'out2'), levels):
        assert_close(level, golden, name, TOLERANCE)
    assert_close(token[0], golden, 'cls_token', TOLERANCE)


@pytest.mark.parametrize('golden', goldens('cvt', 'grad'), ids=lambda g: g.tag)
def test_gradients(golden):
    backbone, _ = published(golden)
    assert_gradients(backbone, AUTHORS, golden)


@pytest.mark.parametrize('variant', variants('cvt'))
def test_parameter_count(variant):
    with torch.device('meta'):
        backbone = CvT(arch_of(variant), out_indices=LEVELS)
    expected = manifest(variant)['dense']['default']['dense_params']
    assert sum(p.numel() for p in backbone.parameters()) == expected


def test_eps_and_activation():
    """What no golden number can see."""
    with torch.device('meta'):
        backbone = CvT('21', out_norm=True)
    for name, module in backbone.named_modules():
        if isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            assert module.eps == 1e-5, name
        assert not isinstance(module, nn.GELU), name
    x = torch.linspace(-4, 4, 9)
    act = CvT('13', out_indices=(0,)).stages[0].blocks[0].mlp.act
    assert torch.allclose(act(x), x / (1 + torch.exp(-1.702 * x)))


def test_published_initialisation():
    backbone = CvT('13')
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Linear):
            assert module.bias.abs().max() == 0, name
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1), name
    assert backbone.stages[2].cls_token.std().item() == pytest.approx(0.02, rel=0.2)


def test_level_3_is_extra():
    """Ours, on top of level 2, and absent unless asked for."""
    whole, published = CvT('13'), CvT('13', out_indices=LEVELS)
    extra = set(whole.state_dict()) - set(published.state_dict())
    assert {name.split('.')[:2] == ['stages', '3'] for name in extra} == {True}
    assert (whole.out_channels, whole.out_strides) == ((64, 192, 384, 384), (4, 8, 16, 32))
    only = CvT('13', out_indices=(3,), frozen_stages=4)
    assert not any(p.requires_grad for p in only.parameters())


def test_class_token_matters_and_is_in_no_level():
    backbone = CvT('13', out_indices=(1, 2)).eval()
    image = torch.randn(1, 3, 64, 64)
    before = backbone(image)
    nn.init.constant_(backbone.stages[2].cls_token, 3.0)
    after = backbone(image)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1], atol=1e-4)
    assert backbone.stages[1].cls_token is None


def test_drop_path_is_in_the_last_stage():
    def rates(**options):
        backbone = CvT('13', **options)
        return [[b.drop_path.drop_prob for b in stage.blocks] for stage in backbone.stages]

    first, second, last, extra = rates(drop_path_rate=0.9)
    assert (first, second, extra) == ([0.0], [0.0, 0.0], [])
    assert last == pytest.approx([i / 10 for i in range(10)])
    assert rates(drop_path_rate=(0.1, 0.2, 0.3))[1] == pytest.approx([0.0, 0.2])


def test_out_norm():
    backbone = CvT('13', out_norm=True, out_indices=(0, 2))
    assert list(backbone.out_norms) == ['0', '2']
    for level in backbone(torch.randn(1, 3, 64, 64)):
        assert level.mean(1).abs().max() < 1e-5
    assert not CvT('13').out_norms


@pytest.mark.parametrize(
    'option, message',
    [
        (dict(arch='w23'), "CvT has no arch 'w23'; it has 13, 21, w24"),
        (dict(drop_path_rate=(0.1, 0.2)), 'drop_path_rate must be a number or three'),
        (dict(drop_path_rate=1.0), 'drop_path_rate must be in'),
        (dict(arch=dict(depths=(1, 1, 1), heads=(3, 3, 6))), 'heads must divide the width 64'),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=message):
        CvT(**option)


def test_quick_gelu():
    """The formula and its gradient; one tensor is kept for the backward pass, the input."""
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    act, kept = QuickGELU(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        y = act(x)
    expected = x * torch.sigmoid(1.702 * x)
    torch.testing.assert_close(y, expected)
    (gradient,), (other,) = (torch.autograd.grad(t.square().sum(), x) for t in (y, expected))
    torch.testing.assert_close(gradient, other)
    assert [t.data_ptr() for t in kept] == [x.data_ptr()]
    before = x.detach().clone()
    with torch.no_grad():
        torch.testing.assert_close(act(x), expected)
    assert torch.equal(x, before), 'the input is left as it is'
