"""Means, ranges and verdicts."""

import pytest

from hybrid_backbones.experiment.noise import compare, compare_with_published, summarize

pytest.importorskip('scipy')


def test_summary():
    seeds = summarize([41.0, 42.0, 44.0])
    assert (seeds.count, seeds.low, seeds.high, seeds.median) == (3, 41.0, 44.0, 42.0)
    assert seeds.mean == pytest.approx(127 / 3)
    assert seeds.deviation == pytest.approx((7 / 3) ** 0.5)  # squares 16/9, 1/9, 25/9 over 2
    assert summarize([41.0]).deviation is None


def test_welch_by_hand():
    """Two times two seeds: t = 10 / sqrt(1/2 * (1/2 + 1/2)) and two degrees of freedom, for which
    p = 1 - t / sqrt(2 + t^2)."""
    verdict = compare('mIoU', [10.0, 11.0], [0.0, 1.0])
    t = 10 / 0.5**0.5
    assert verdict.p == pytest.approx(1 - t / (2 + t * t) ** 0.5)
    assert (verdict.difference, verdict.says) == (10.0, 'differs')


@pytest.mark.parametrize(
    'metric, values, others, says',
    [
        ('box AP', [42.0, 42.1, 42.2], [41.0, 41.1, 41.2], 'differs'),
        ('box AP', [42.0, 44.0, 46.0], [41.0, 43.0, 45.0], 'within noise'),  # seeds overlap
        # told apart by the test, but seeds usually differ by that much
        ('box AP', [42.00, 42.01, 42.02], [41.90, 41.91, 41.92], 'within noise'),
        ('mIoU', [45.9, 45.91, 45.92], [45.0, 45.01, 45.02], 'within noise'),
        ('mIoU', [46.2, 46.21, 46.22], [45.0, 45.01, 45.02], 'differs'),
        ('mIoU', [46.2, 46.2], [46.2, 46.2], 'within noise'),
        ('mIoU', [46.2, 46.2], [40.0, 40.0], 'differs'),  # nothing varies
        ('mIoU', [60.0], [40.0, 40.1], 'one seed: cannot tell'),
        ('mIoU', [60.0, 60.1], [40.0], 'one seed: cannot tell'),
    ],
)
def test_verdicts(metric, values, others, says):
    assert compare(metric, values, others).says == says


@pytest.mark.parametrize(
    'values, published, says',
    [
        ([41.0, 41.2], 41.4, 'within noise'),
        ([41.0, 41.2], 41.5, 'differs'),
        ([41.0, 41.2], 40.8, 'within noise'),
        ([41.0, 41.2], 40.7, 'differs'),
        ([41.0], 50.0, 'one seed: cannot tell'),
    ],
)
def test_beside_published(values, published, says):
    verdict = compare_with_published('box AP', values, published)
    assert verdict.says == says
    assert verdict.difference == pytest.approx(sum(values) / len(values) - published)
