"""Telling progress from noise: what several seeds of a config say, and what one cannot."""

import warnings
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import Optional, Sequence

LEVEL = 0.05  # of the test: how often equal configs would be told apart
# percentage points between seeds of one config that people report: of COCO 0.2, of ADE20K up to 1
USUAL = {'box AP': 0.2, 'mask AP': 0.2, 'AP': 0.2, 'mIoU': 1.0}
USUAL_OTHERWISE = 0.2
DIFFERS, NO_DIFFERENCE = 'differs', 'within noise'
CANNOT_TELL = 'one seed: cannot tell'


@dataclass(frozen=True)
class Seeds:
    """What the seeds of a row have in common.

    Args:
        count: How many.
        mean: Of them.
        median: Of them.
        low: The lowest.
        high: The highest.
        deviation: Of the sample; None of a single one.
    """

    count: int
    mean: float
    median: float
    low: float
    high: float
    deviation: Optional[float]


@dataclass(frozen=True)
class Verdict:
    """How a row compares with another.

    Args:
        difference: Of the means.
        p: Of Welch's test; None where there is a single seed.
        says: ``'differs'``, ``'within noise'``, or that it cannot be told.
    """

    difference: float
    p: Optional[float]
    says: str


def summarize(values: Sequence[float]) -> Seeds:
    """Mean, median and range.

    Args:
        values: One for each seed, at least one.
    """
    deviation = stdev(values) if len(values) > 1 else None
    return Seeds(len(values), mean(values), median(values), min(values), max(values), deviation)


def compare(metric: str, values: Sequence[float], others: Sequence[float]) -> Verdict:
    """Whether two rows differ beyond the noise of their seeds.

    They do where Welch's test says so, and the means are further apart than seeds of one config
    usually are: two seeds that happen to agree do not make a small difference a large one.

    Args:
        metric: Its name, which says what is usual.
        values: Of the row's seeds.
        others: Of those that it is compared with.

    Raises:
        ImportError: scipy is not installed.
    """
    difference = mean(values) - mean(others)
    if min(len(values), len(others)) < 2:
        return Verdict(difference, None, CANNOT_TELL)
    p = _welch(values, others)
    beyond = abs(difference) > usual_noise(metric)
    return Verdict(difference, p, DIFFERS if p < LEVEL and beyond else NO_DIFFERENCE)


def compare_with_published(metric: str, values: Sequence[float], published: float) -> Verdict:
    """Whether a row is further from one published number than seeds usually are.

    Args:
        metric: Its name.
        values: Of the row's seeds.
        published: A single training's, whose noise nobody knows.
    """
    difference = mean(values) - published
    if len(values) < 2:
        return Verdict(difference, None, CANNOT_TELL)
    noise = usual_noise(metric)
    inside = min(values) - noise <= published <= max(values) + noise
    return Verdict(difference, None, NO_DIFFERENCE if inside else DIFFERS)


def usual_noise(metric: str) -> float:
    """Percentage points between seeds of one config."""
    return USUAL.get(metric, USUAL_OTHERWISE)


def _welch(values: Sequence[float], others: Sequence[float]) -> float:
    """Welch's p; where neither varies, equal means are equal and others are not."""
    if len({*values}) == len({*others}) == 1:
        return 1.0 if values[0] == others[0] else 0.0
    from scipy.stats import ttest_ind

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of rounding, where one of them does not vary
        return float(ttest_ind(values, others, equal_var=False).pvalue)
