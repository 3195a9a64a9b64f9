"""Focal losses against their formula in float64 and autograd; mmcv has none compiled for a CPU."""

import pytest
import torch


def sigmoid_loss(x, target, weight, gamma=2.0, alpha=0.25):
    """Lin et al., equation 5, of every class."""
    x = x.double()
    is_class = target[:, None] == torch.arange(x.shape[1])
    p_t = torch.where(is_class, x.sigmoid(), (-x).sigmoid())
    alpha_t = torch.where(is_class, alpha, 1 - alpha)
    return (
        -alpha_t
        * (1 - p_t) ** gamma
        * p_t.log()
        * weight[target.clamp(max=len(weight) - 1)][:, None]
    )


def softmax_loss(x, target, weight, gamma=2.0, alpha=0.25):
    p = x.double().softmax(1).gather(1, target[:, None])[:, 0]
    return -alpha * (1 - p) ** gamma * p.log() * weight[target]


def draw(dtype=torch.float32):
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(40, 6, generator=generator) * 4
    target = torch.randint(0, 6, (40,), generator=generator)
    return x.to(dtype), target, torch.rand(6, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    'name, formula', [('sigmoid_focal_loss', sigmoid_loss), ('softmax_focal_loss', softmax_loss)]
)
@pytest.mark.parametrize('with_weight', [False, True])
@pytest.mark.parametrize('reduction', ['none', 'mean', 'sum'])
def test_loss_and_gradient(plain, name, formula, with_weight, reduction):
    if name == 'softmax_focal_loss' and reduction == 'none':
        pytest.skip("mmcv's own backward multiplies (N, C) by (N,) there")
    x, target, weight = draw()
    args = (target, 2.0, 0.25, weight.float() if with_weight else None, reduction)
    output, (grad,) = plain.with_grads(
        name, [x], *args, seed=torch.tensor(1.0).expand(x.shape if reduction == 'none' else ())
    )
    leaf = x.detach().clone().requires_grad_()
    expected = formula(leaf, target, weight if with_weight else torch.ones(6).double())
    total = expected.sum() / (len(x) if reduction == 'mean' else 1)
    total.backward()
    torch.testing.assert_close(
        output.double(), (expected if reduction == 'none' else total).detach(), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(grad, leaf.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('name', ['sigmoid_focal_loss', 'softmax_focal_loss'])
@pytest.mark.parametrize('gamma', [2.0, 1.5])
def test_gradcheck(plain, name, gamma):
    x, target, weight = draw(torch.float64)
    x = (x[:8] / 4).requires_grad_()
    check = torch.autograd.gradcheck
    function = getattr(plain, name)
    assert plain.run(lambda: check(lambda x: function(x, target[:8], gamma, 0.3, weight, 'sum'), x))


def test_background(plain):
    """MMDetection's class of background is one more than there are: no class is right."""
    x, _, weight = draw()
    target = torch.full((40,), 6)
    output = plain.sigmoid_focal_loss(x, target, 2.0, 0.25, weight.float(), 'none')
    expected = sigmoid_loss(x, target, torch.ones(7).double())
    torch.testing.assert_close(output.double(), expected, rtol=1e-5, atol=1e-6)


def test_sure_and_wrong_is_no_plateau(plain):
    """A sigmoid that rounds to 1 still costs what its logit says."""
    x = torch.tensor([[30.0], [60.0], [-60.0]])
    output, (grad,) = plain.with_grads(
        'sigmoid_focal_loss',
        [x],
        torch.tensor([1, 1, 0]),
        2.0,
        0.25,
        None,
        'none',
        seed=torch.ones(3, 1),
    )
    torch.testing.assert_close(output[:, 0], torch.tensor([0.75 * 30, 0.75 * 60, 0.25 * 60]))
    torch.testing.assert_close(grad[:, 0], torch.tensor([0.75, 0.75, -0.25]))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_halves(plain, dtype):
    x, target, _ = draw(dtype)
    output = plain.sigmoid_focal_loss(x, target, 2.0, 0.25, None, 'none')
    assert output.dtype == dtype
    expected = sigmoid_loss(x, target, torch.ones(6).double())
    half = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(output.double(), expected, rtol=half, atol=1e-6)


def test_no_rows(plain):
    x, target, _ = draw()
    output, (grad,) = plain.with_grads(
        'sigmoid_focal_loss', [x[:0]], target[:0], 2.0, 0.25, None, 'sum', seed=torch.tensor(1.0)
    )
    assert output == 0 and grad.shape == (0, 6)
