"""Non-maximum suppression against loops, torchvision's definition and mmcv's compiled operators."""

import numpy as np
import pytest
import torch

from . import loops


def draw(count, size=200.0, seed=0, levels=None):
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=generator) * size
    sides = torch.rand(count, 2, generator=generator) * size / 3
    scores = torch.rand(count, generator=generator)
    if levels:  # many equal scores
        scores = (scores * levels).floor() / levels
    return torch.cat((start, start + sides), 1), scores


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('levels', [None, 4])
def test_nms_keeps_what_the_definition_keeps(ours, offset, levels):
    boxes, scores = draw(150, levels=levels)
    boxes[5] = boxes[6]  # twice the same
    boxes[7, 2:] = boxes[7, :2]  # no area
    _, kept = ours.nms(boxes, scores, 0.4, offset=offset)
    expected = loops.nms(boxes.double().numpy(), scores, 0.4, offset)
    assert kept.tolist() == expected
    assert 10 < len(expected) < 150


def test_more_boxes_than_a_block(ours):
    boxes, scores = draw(700, size=500.0)
    _, kept = ours.nms(boxes, scores, 0.3)
    assert kept.tolist() == loops.nms(boxes.double().numpy(), scores, 0.3)


@pytest.mark.parametrize('count', [0, 1])
def test_few_boxes(ours, count):
    boxes, scores = draw(count)
    dets, kept = ours.nms(boxes, scores, 0.5)
    assert kept.tolist() == list(range(count)) and kept.dtype == torch.int64
    assert dets.shape == (count, 5)
    dets, kept = ours.soft_nms(boxes, scores + 0.1)
    assert kept.tolist() == list(range(count)) and dets.shape == (count, 5)
    assert [each.tolist() for each in ours.nms_match(dets, 0.5)] == [[0]] * count


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(ours, dtype):
    boxes, scores = draw(100)
    boxes, scores = boxes.to(dtype), scores.to(dtype)
    _, kept = ours.nms(boxes, scores, 0.5)
    assert kept.tolist() == loops.nms(boxes.double().numpy(), scores, 0.5)
    dets, _ = ours.soft_nms(boxes, scores, method='gaussian')
    assert dets.dtype == dtype


def test_not_contiguous(ours):
    boxes, scores = draw(100)
    wide = torch.cat((boxes, boxes, scores[:, None]), 1)
    _, kept = ours.nms(wide[:, 4:8], wide[:, 8], 0.5)
    assert kept.tolist() == loops.nms(boxes.double().numpy(), scores, 0.5)


def test_batched_nms_keeps_classes_apart(ours):
    boxes, scores = draw(240)
    classes = torch.arange(240) % 3
    _, kept = ours.batched_nms(boxes, scores, classes, dict(type='nms', iou_threshold=0.2))
    expected = []
    for each in range(3):
        inds = (classes == each).nonzero()[:, 0]
        of_class = loops.nms(boxes[inds].double().numpy(), scores[inds], 0.2)
        expected += inds[of_class].tolist()
    assert sorted(kept.tolist()) == sorted(expected)
    assert 10 < len(expected) < 200
    soft = dict(type='soft_nms', iou_threshold=0.2, min_score=0.05)
    dets, kept = ours.batched_nms(boxes, scores, classes, soft)
    assert (dets[:, 4] <= scores[kept]).all() and (dets[:, 4] < scores[kept]).any()


def test_match_is_a_partition_around_what_is_kept(plain):
    boxes, scores = draw(300)
    groups = plain.nms_match(torch.cat((boxes, scores[:, None]), 1), 0.3)
    assert [each[0].item() for each in groups] == loops.nms(boxes.double().numpy(), scores, 0.3)
    assert sorted(torch.cat(groups).tolist()) == list(range(300))
    for group in groups:
        assert (scores[group].diff() <= 0).all()
        for n in group[1:]:
            assert loops.overlap(boxes[group[0]].double(), boxes[n].double()) >= 0.3


def test_an_overlap_of_the_threshold_itself(ours):
    """It matches, and nms keeps it, as mmcv has it. The overlap is half of the larger box."""
    boxes, scores = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 1]]), torch.tensor([0.9, 0.8])
    dets = torch.cat((boxes, scores[:, None]), 1)
    assert [each.tolist() for each in ours.nms_match(dets, 0.5)] == [[0, 1]]
    assert ours.nms(boxes, scores, 0.5)[1].tolist() == [0, 1]


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms_lowers_scores_by_its_formula(plain, method):
    boxes, scores = draw(80)
    dets, kept = plain.soft_nms(boxes, scores, 0.3, sigma=0.5, min_score=0.05, method=method)
    left, found = dict(enumerate(scores.double().tolist())), []
    exact = boxes.double().numpy()
    while left:
        best = max(left, key=left.get)
        found.append((best, left.pop(best)))
        for n in list(left):
            iou = loops.overlap(exact[best], exact[n])
            if method == 'gaussian':
                left[n] *= np.exp(-(iou**2) / 0.5)
            elif iou >= 0.3:
                left[n] *= 1 - iou if method == 'linear' else 0
            if left[n] < 0.05:
                del left[n]
    assert kept.tolist() == [n for n, _ in found]
    torch.testing.assert_close(dets[:, :4], boxes[kept])
    torch.testing.assert_close(dets[:, 4].double(), torch.tensor([s for _, s in found]).double())


@pytest.mark.parametrize('count', [0, 1, 50, 3000])
@pytest.mark.parametrize('offset', [0, 1])
def test_nms_equals_compiled(ours, compiled, count, offset):
    for threshold, levels in ((0.3, None), (0.7, 10), (1.0, None), (0.0, 3)):
        boxes, scores = draw(count, size=400.0, levels=levels)
        boxes[::9, 2] = boxes[::9, 0]  # no area
        boxes[1::7] = boxes[::7][: len(boxes[1::7])]  # twice the same
        expected = compiled.nms(boxes, scores, threshold, offset=offset)
        found = ours.nms(boxes, scores, threshold, offset=offset)
        assert torch.equal(found[1], expected[1]) and torch.equal(found[0], expected[0])


def test_nms_equals_compiled_on_the_threshold(ours, compiled):
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 3, 10], [0, 0, 10, 7], [0, 0, 6, 5]])
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6])
    for threshold in (0.3, 0.7, 0.1, 0.2, 0.6):  # as floats, some above and some below
        assert torch.equal(
            ours.nms(boxes, scores, threshold)[1], compiled.nms(boxes, scores, threshold)[1]
        )


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
@pytest.mark.parametrize('offset', [0, 1])
def test_soft_nms_equals_compiled(plain, compiled, method, offset):
    for count, levels in ((0, None), (1, None), (400, None), (400, 5)):
        boxes, scores = draw(count, levels=levels)
        args = (boxes, scores, 0.3, 0.5, 0.1, method, offset)
        dets, kept = plain.soft_nms(*args)
        expected, inds = compiled.soft_nms(*args)
        assert torch.equal(kept, inds)
        torch.testing.assert_close(dets, expected)


def test_match_equals_compiled(plain, compiled):
    for threshold, levels in ((0.3, None), (0.5, 4)):
        boxes, scores = draw(500, levels=levels)
        dets = torch.cat((boxes, scores[:, None]), 1)
        found = [each.tolist() for each in plain.nms_match(dets, threshold)]
        assert found == [each.tolist() for each in compiled.nms_match(dets, threshold)]
