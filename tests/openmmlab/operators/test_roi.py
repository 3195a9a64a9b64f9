"""RoIAlign and RoIPool against loops over their definitions and mmcv's compiled RoIAlign."""

import numpy as np
import pytest
import torch

from . import loops


def maps_and_rois(dtype=torch.float64):
    """Boxes inside, across and beyond the map's edges, small, long and of no area."""
    generator = torch.Generator().manual_seed(1)
    maps = torch.randn(2, 3, 13, 17, generator=generator, dtype=dtype)
    rois = [
        [0, 5.0, 6.0, 40.0, 33.0],
        [1, 0.0, 0.0, 67.0, 51.0],
        [1, -30.0, -8.5, 20.25, 60.0],
        [0, 60.0, 3.0, 90.0, 20.0],
        [0, 200.0, 200.0, 240.0, 240.0],
        [1, 11.0, 12.0, 11.0, 30.0],
        [0, 7.0, 7.0, 7.0, 7.0],
        [1, 8.1, 8.2, 8.9, 9.3],
        [0, 3.0, 20.0, 64.0, 23.0],
    ]
    return maps, torch.tensor(rois, dtype=dtype)


SETTINGS = [
    (4, 0.25, 0, 'avg', True),
    (4, 0.25, 0, 'avg', False),
    (4, 0.25, 2, 'avg', True),
    (3, 0.5, 2, 'avg', False),
    (3, 0.25, 2, 'max', True),
    (4, 0.25, 0, 'max', False),
]


@pytest.mark.parametrize('setting', SETTINGS)
def test_roi_align_is_its_definition(ours, setting):
    maps, rois = maps_and_rois()
    expected = torch.from_numpy(loops.roi_align(maps.numpy(), rois.numpy(), *setting))
    if setting[3] == 'max':  # a bin of no samples is mmcv's lowest value; the loops leave it out
        assert setting[2] or not setting[4]
    torch.testing.assert_close(ours.roi_align(maps, rois, *setting), expected)


@pytest.mark.parametrize('setting', SETTINGS)
def test_roi_align_gradient(ours, setting):
    maps, rois = maps_and_rois()
    check = torch.autograd.gradcheck
    maps = maps[:, :1, ::2, ::3].contiguous().requires_grad_()
    rois = rois[[0, 2, 3, 5]]
    assert ours.run(lambda: check(lambda x: ours.roi_align(x, rois, *setting), maps))


def test_no_boxes(ours):
    maps, rois = maps_and_rois(torch.float32)
    for name, args in (('roi_align', (7, 0.25)), ('roi_pool', (7, 0.25))):
        output, (grad,) = ours.with_grads(name, [maps], rois[:0], *args)
        assert output.shape == (0, 3, 7, 7) and not grad.any()


@pytest.mark.parametrize('name, args', [('roi_align', (5, 0.25, 0)), ('roi_pool', (5, 0.25))])
def test_any_arrangement_of_maps(ours, name, args):
    maps, rois = maps_and_rois(torch.float32)
    expected, (grad,) = ours.with_grads(name, [maps], rois, *args)
    wide = torch.randn(2, 3, 13, 34)
    wide[..., ::2] = maps
    for other in (maps.contiguous(memory_format=torch.channels_last), wide[..., ::2]):
        output, (other_grad,) = ours.with_grads(name, [other], rois, *args)
        torch.testing.assert_close(output, expected)
        torch.testing.assert_close(other_grad, grad)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('name, args', [('roi_align', (5, 0.25, 0)), ('roi_pool', (5, 0.25))])
def test_halves_are_rounded_once(ours, name, args, dtype):
    maps, rois = maps_and_rois(torch.float32)
    maps, rois = maps.to(dtype), rois.to(dtype)
    seed = torch.ones(len(rois), 3, 5, 5)
    expected, (grad,) = ours.with_grads(name, [maps.double()], rois.double(), *args, seed=seed)
    output, (half_grad,) = ours.with_grads(name, [maps], rois, *args, seed=seed)
    assert output.dtype == half_grad.dtype == dtype
    half = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(output.double(), expected, rtol=half, atol=2e-6)
    torch.testing.assert_close(half_grad.double(), grad, rtol=half, atol=2e-6)


def test_autocast_does_not_reach_the_operator(ours):
    maps, rois = maps_and_rois(torch.float32)
    expected = ours.roi_align(maps, rois, 5, 0.25)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(ours.roi_align(maps, rois, 5, 0.25), expected)


def test_boxes_that_are_no_boxes(plain):
    """What a diverged network proposes neither fails nor takes memory."""
    maps, rois = maps_and_rois(torch.float32)
    rois[0, 3] = float('nan')
    rois[1, 3] = float('inf')
    rois[2, 3] = 1e9
    rois[3, 1:] = torch.tensor([50.0, 50.0, 10.0, 10.0])
    good = plain.roi_align(maps, rois[4:], 5, 0.25)
    output, (grad,) = plain.with_grads('roi_align', [maps], rois, 5, 0.25)
    assert torch.equal(output[4:], good) and not output[[0, 1, 3]].any()
    assert grad.isfinite().all()
    assert plain.roi_pool(maps, rois, 5, 0.25).isfinite().all()


def test_roi_pool_is_its_definition(plain):
    maps, rois = maps_and_rois()
    for size, scale in ((4, 0.25), (3, 0.31)):
        expected = torch.from_numpy(loops.roi_pool(maps.numpy(), rois.numpy(), size, scale))
        assert torch.equal(plain.roi_pool(maps, rois, size, scale), expected)


def test_roi_pool_gradient_goes_to_the_first_largest(plain):
    maps, rois = maps_and_rois()
    leaf = maps[:, :1].requires_grad_()
    gradcheck = torch.autograd.gradcheck
    assert plain.run(lambda: gradcheck(lambda x: plain.roi_pool(x, rois, 3, 0.25), leaf))
    _, (grad,) = plain.with_grads(
        'roi_pool',
        [torch.zeros(1, 1, 4, 4)],
        rois.new_tensor([[0, 0, 0, 3, 3]]).float(),
        2,
        1.0,
        seed=torch.ones(1, 1, 2, 2),
    )
    assert grad[0, 0].nonzero().tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]


def many(count):
    """Boxes of detection's sizes, on a map of stride 8."""
    generator = torch.Generator().manual_seed(2)
    corner = torch.rand(count, 2, generator=generator) * 300 - 30
    side = torch.rand(count, 2, generator=generator).pow(3) * 300
    image = torch.arange(count)[:, None] % 2
    maps = torch.randn(2, 8, 40, 40, generator=generator)
    return maps, torch.cat((image, corner, corner + side), 1)


@pytest.mark.parametrize('setting', SETTINGS)
@pytest.mark.parametrize('count', [1, 1500])
def test_roi_align_equals_compiled(ours, compiled, setting, count):
    maps, rois = many(count)
    if setting[3] == 'max':
        maps, rois = maps[:, :2].contiguous(), rois[:200]
    setting = (7, 0.125, *setting[2:])
    # the compiled operator takes maps for contiguous that are not
    expected, (expected_grad,) = compiled.with_grads('roi_align', [maps], rois, *setting)
    for each in (maps, maps.contiguous(memory_format=torch.channels_last)):
        output, (grad,) = ours.with_grads('roi_align', [each], rois, *setting)
        torch.testing.assert_close(output, expected, rtol=1e-5, atol=2e-5)
        torch.testing.assert_close(grad, expected_grad, rtol=1e-4, atol=1e-4)


def test_edges_equal_compiled(ours, compiled):
    maps, rois = maps_and_rois(torch.float64)
    for setting in SETTINGS:
        output, (grad,) = ours.with_grads('roi_align', [maps], rois, *setting)
        expected, (expected_grad,) = compiled.with_grads('roi_align', [maps], rois, *setting)
        torch.testing.assert_close(output, expected)
        torch.testing.assert_close(grad, expected_grad)
    nothing = (4, 0.25, 0, 'max', True)  # boxes of no area have no samples
    found, expected = (each.roi_align(maps, rois, *nothing) for each in (ours, compiled))
    torch.testing.assert_close(found, expected)
    assert np.isclose(found.numpy(), -10000).any()


def test_halves_are_nearer_to_the_truth_than_compiled(ours, compiled):
    maps, rois = maps_and_rois(torch.float32)
    maps, rois = maps.half(), rois.half()
    truth = compiled.roi_align(maps.double(), rois.double(), 5, 0.25)
    found, theirs = (each.roi_align(maps, rois, 5, 0.25).double() for each in (ours, compiled))
    assert (found - truth).abs().max() <= (theirs - truth).abs().max()
