"""Deformable convolutions against loops over their definition and mmcv's compiled operators."""

import pytest
import torch
import torch.nn.functional as F

from . import loops


def draw(conv, dtype=torch.float64, channels=4, size=(7, 6), images=2, kernel=(3, 3), spread=1.5):
    """Maps, offsets that reach outside them, masks and weights."""
    stride, padding, dilation, groups, deform_groups = conv
    generator = torch.Generator().manual_seed(3)
    out = [
        (each + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for each, k in zip(size, kernel)
    ]
    taps = kernel[0] * kernel[1]
    shapes = (
        (images, channels, *size),
        (images, deform_groups * taps * 2, *out),
        (images, deform_groups * taps, *out),
        (6, channels // groups, *kernel),
    )
    x, offset, mask, weight = (torch.randn(s, generator=generator, dtype=dtype) for s in shapes)
    return x, offset * spread, mask.sigmoid(), weight


# stride, padding, dilation, groups, deform_groups
CONVS = [(1, 1, 1, 1, 1), (2, 0, 1, 2, 2), (1, 2, 2, 1, 4), (2, 3, 1, 2, 1)]


@pytest.mark.parametrize('conv', CONVS)
@pytest.mark.parametrize('is_modulated', [False, True])
def test_it_is_its_definition(ours, conv, is_modulated):
    x, offset, mask, weight = draw(conv, kernel=(3, 2))
    if is_modulated:
        bias = torch.arange(6.0, dtype=x.dtype)
        output = ours.modulated_deform_conv2d(x, offset, mask, weight, bias, *conv)
        output = output - bias[:, None, None]
    else:
        output, mask = ours.deform_conv2d(x, offset, weight, *conv), None
    numbers = [None if each is None else each.numpy() for each in (x, offset, mask, weight)]
    torch.testing.assert_close(output, torch.from_numpy(loops.deform_conv(*numbers, *conv)))


@pytest.mark.parametrize('conv', CONVS[:2])
def test_gradients(ours, conv):
    tensors = draw(conv, images=1, size=(4, 3), kernel=(2, 3), spread=0.7)
    x, offset, mask, weight = (each.requires_grad_() for each in tensors)
    bias = torch.ones(6, dtype=x.dtype, requires_grad=True)
    check = torch.autograd.gradcheck

    def plain(*each):
        return ours.deform_conv2d(*each, *conv)

    def modulated(*each):
        return ours.modulated_deform_conv2d(*each, *conv)

    assert ours.run(lambda: check(plain, (x, offset, weight)))
    assert ours.run(lambda: check(modulated, (x, offset, mask, weight, bias)))


def test_without_offsets_it_is_a_convolution(ours):
    conv = (2, 1, 1, 2, 1)
    x, offset, mask, weight = draw(conv, torch.float32)
    offset, mask = torch.zeros_like(offset), torch.ones_like(mask)
    expected = F.conv2d(x, weight, None, *conv[:3], groups=2)
    torch.testing.assert_close(ours.deform_conv2d(x, offset, weight, *conv), expected)
    output = ours.modulated_deform_conv2d(x, offset, mask, weight, None, *conv)
    torch.testing.assert_close(output, expected)


def test_any_arrangement(ours):
    conv = CONVS[0]
    tensors = draw(conv, torch.float32)
    expected, grads = ours.with_grads('modulated_deform_conv2d', tensors, None, *conv)
    last = [each.contiguous(memory_format=torch.channels_last) for each in tensors]
    wide = [torch.stack((each, each), -1)[..., 1] for each in tensors]
    for others in (last, wide):
        output, other_grads = ours.with_grads('modulated_deform_conv2d', others, None, *conv)
        torch.testing.assert_close(output, expected)
        for found, grad in zip(other_grads, grads):
            torch.testing.assert_close(found, grad)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_halves_are_rounded_once(ours, dtype):
    conv = CONVS[1]
    tensors = [each.to(dtype) for each in draw(conv)]
    exact = [each.double() for each in tensors]
    expected, grads = ours.with_grads('modulated_deform_conv2d', exact, None, *conv)
    seed = torch.randn(expected.shape, generator=torch.Generator().manual_seed(5)).to(dtype)
    expected, grads = ours.with_grads('modulated_deform_conv2d', exact, None, *conv, seed=seed)
    output, found = ours.with_grads('modulated_deform_conv2d', tensors, None, *conv, seed=seed)
    half = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(output.double(), expected, rtol=half, atol=1e-5)
    for each, grad in zip(found, grads):
        torch.testing.assert_close(each.double(), grad, rtol=half, atol=1e-5)


def test_autocast(ours):
    """The layer's offsets are halves then; the operator follows them, as mmcv says."""
    x, offset, mask, weight = draw(CONVS[0], torch.float32)
    half = offset.bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        output = ours.modulated_deform_conv2d(x, half, mask, weight, None, 1, 1)
    assert output.dtype == torch.bfloat16
    expected = ours.modulated_deform_conv2d(x, half.float(), mask, weight, None, 1, 1)
    torch.testing.assert_close(output.float(), expected, rtol=0.05, atol=0.05)


def test_offsets_to_nowhere(plain):
    x, offset, mask, weight = draw(CONVS[0], torch.float32)
    good = plain.modulated_deform_conv2d(x, offset, mask, weight, None, 1, 1)
    offset[0, :, 0, 0] = float('nan')
    offset[0, :, 0, 1] = 1e30
    output, grads = plain.with_grads(
        'modulated_deform_conv2d', [x, offset, mask, weight], None, 1, 1
    )
    assert not output[0, :, 0, :2].any()
    output[0, :, 0, :2] = good[0, :, 0, :2]
    torch.testing.assert_close(output, good)
    assert all(each.isfinite().all() for each in grads)


@pytest.mark.parametrize('conv', CONVS)
@pytest.mark.parametrize('spread', [0.0, 2.0])
def test_it_equals_compiled(ours, compiled, conv, spread):
    """Offsets of zero, where training starts, are where the gradient of offsets jumps."""
    tensors = draw(conv, torch.float32, channels=8, size=(15, 12), spread=spread)
    bias = torch.randn(6)
    x, offset, _, weight = tensors
    for name, args in (
        ('deform_conv2d', [x, offset, weight]),
        ('modulated_deform_conv2d', [*tensors, bias]),
    ):
        output, grads = ours.with_grads(name, args, *conv)
        expected, expected_grads = compiled.with_grads(name, args, *conv)
        torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-4)
        for found, grad in zip(grads, expected_grads):
            torch.testing.assert_close(found, grad, rtol=1e-4, atol=2e-4)


def test_parts_of_the_output_are_joined(plain, monkeypatch):
    from hybrid_backbones.openmmlab.operators import deform_columns

    tensors = draw(CONVS[1], size=(11, 12))
    whole, grads = plain.with_grads('modulated_deform_conv2d', tensors, None, *CONVS[1])
    monkeypatch.setattr(deform_columns, 'MOST_NUMBERS', 500)
    parts, found = plain.with_grads('modulated_deform_conv2d', tensors, None, *CONVS[1])
    torch.testing.assert_close(parts, whole)
    for each, grad in zip(found, grads):
        torch.testing.assert_close(each, grad)
