"""CARAFE, PSAMask, masked convolution and deformable attention against definitions."""

import mmcv.ops
import pytest
import torch
import torch.nn.functional as F

from . import loops


def random(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(6)
    return torch.randn(shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize('size, groups, scale', [(5, 1, 2), (3, 2, 2), (3, 1, 3), (1, 4, 1)])
def test_carafe(plain, size, groups, scale):
    x, kernels = random(2, 4, 3, 4), random(2, size**2 * groups, 3 * scale, 4 * scale)
    output = plain.carafe(x, kernels, size, groups, scale)
    expected = torch.from_numpy(loops.carafe(x.numpy(), kernels.numpy(), size, groups, scale))
    torch.testing.assert_close(output, expected)
    assert torch.equal(plain.carafe_naive(x, kernels, size, groups, scale), output)


def test_carafe_gradients(plain):
    x, kernels = random(1, 4, 3, 2).requires_grad_(), random(1, 18, 6, 4).requires_grad_()
    check = torch.autograd.gradcheck
    assert plain.run(lambda: check(lambda *each: plain.carafe(*each, 3, 2, 2), (x, kernels)))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_carafe_in_halves_and_any_arrangement(plain, dtype):
    x, kernels = random(2, 4, 3, 4).to(dtype), random(2, 9, 6, 8).to(dtype)
    expected = plain.carafe(x.double(), kernels.double(), 3, 1, 2)
    last = torch.channels_last
    x, kernels = x.contiguous(memory_format=last), kernels.contiguous(memory_format=last)
    output = plain.carafe(x, kernels, 3, 1, 2)
    assert output.dtype == dtype
    half = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(output.double(), expected, rtol=half, atol=1e-5)


@pytest.mark.parametrize('kind', [0, 1])
@pytest.mark.parametrize('mask', [(5, 7), (3, 3), (9, 7), (4, 2)])
def test_psa_mask(plain, kind, mask):
    x = random(2, mask[0] * mask[1], 5, 4)
    expected = torch.from_numpy(loops.psa_mask(x.numpy(), kind == 0, *mask))
    assert torch.equal(plain.psa_mask(x, kind, mask), expected)


@pytest.mark.parametrize('kind', [0, 1])
def test_psa_mask_gradient(plain, kind):
    x = random(1, 15, 3, 4).requires_grad_()
    check = torch.autograd.gradcheck
    assert plain.run(lambda: check(lambda each: plain.psa_mask(each, kind, (5, 3)), x))


@pytest.mark.parametrize('kind', [0, 1])
def test_psa_mask_equals_compiled(plain, compiled, kind):
    x = random(2, 9 * 7, 5, 4).float()
    output, (grad,) = plain.with_grads('psa_mask', [x], kind, (9, 7))
    expected, (expected_grad,) = compiled.with_grads('psa_mask', [x], kind, (9, 7))
    assert torch.equal(output, expected) and torch.equal(grad, expected_grad)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_masked_convolution_is_a_convolution_where_the_mask_is(plain, dtype):
    x, weight, bias = (
        random(1, 3, 9, 8).to(dtype),
        random(5, 3, 3, 3).to(dtype),
        random(5).to(dtype),
    )
    mask = random(1, 9, 8) > 0.5
    expected = F.conv2d(x, weight, bias, padding=1) * mask
    torch.testing.assert_close(plain.masked_conv2d(x, mask, weight, bias, 1), expected)
    assert not plain.masked_conv2d(x, torch.zeros_like(mask), weight, bias, 1).any()


def attention():
    shapes = torch.tensor([[4, 5], [2, 3]])
    starts = torch.tensor([0, 20])
    value = random(2, 26, 2, 3)
    locations = random(2, 7, 2, 2, 4, 2).sigmoid() * 1.4 - 0.2
    weights = random(2, 7, 2, 2, 4).softmax(-1)
    return value, shapes, starts, locations, weights


def test_deformable_attention_is_its_definition(plain):
    """Of mmcv, the kernels are called for a GPU only; its formula for a CPU is another code."""
    value, shapes, starts, locations, weights = attention()
    function = mmcv.ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction.apply
    output = plain.run(lambda: function(value, shapes, starts, locations, weights, 64))
    expected = torch.zeros(2, 7, 2, 3, dtype=value.dtype)
    for n, q, h, level, p in torch.cartesian_prod(*map(torch.arange, (2, 7, 2, 2, 4))).tolist():
        height, width = shapes[level].tolist()
        image = value[n, starts[level] : starts[level] + height * width, h]
        image = image.view(height, width, 3)
        x, y = locations[n, q, h, level, p].tolist()
        at = y * height - 0.5, x * width - 0.5
        for c in range(3):
            sample = loops.bilinear(image[..., c].numpy(), *at)
            expected[n, q, h, c] += sample * weights[n, q, h, level, p]
    torch.testing.assert_close(output, expected.flatten(2))


def test_deformable_attention_gradients(plain):
    value, shapes, starts, locations, weights = attention()
    function = mmcv.ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction.apply
    leaves = [each[:1].requires_grad_() for each in (value, locations[:, :2], weights[:, :2])]

    def attend(value, locations, weights):
        return function(value, shapes, starts, locations, weights, 64)

    assert plain.run(lambda: torch.autograd.gradcheck(attend, leaves))
