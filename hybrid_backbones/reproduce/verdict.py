"""What was measured, held against what was published."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .runs import Run

# in percent. Testing a file again has no training's noise: what is left are library versions'
# resizing and rounding
TOLERANCES = {'mIoU': 0.2}
TOLERANCE = 0.1

REPRODUCED, DIFFERS, SYNTHETIC = 'reproduced', 'differs', 'synthetic data'
FAILED, MISSING = 'failed', 'missing'


@dataclass(frozen=True)
class Row:
    """One run's outcome.

    Args:
        run: What was to be tested.
        verdict: ``'reproduced'``, ``'differs'``, ``'synthetic data'``, ``'failed'`` or
            ``'missing'``.
        measured: As :class:`hybrid_backbones.reproduce.measure.Measured` has it; empty where
            nothing was measured.
        reason: Why not; one line.
    """

    run: Run
    verdict: str
    measured: Dict[str, Any]
    reason: str = ''

    @property
    def good(self) -> bool:
        """Whether the run gave all that it can."""
        return self.verdict in (REPRODUCED, SYNTHETIC)

    def difference(self, metric: str) -> Optional[float]:
        """Measured less published, at the precision of papers; None if it was not measured."""
        found = self.measured.get('metrics', {}).get(metric)
        return None if found is None else round(round(found, 1) - self.run.published[metric], 1)


def judge(run: Run, result: Dict[str, Any]) -> Row:
    """The verdict on a run.

    Args:
        run: What was tested.
        result: What was measured, or ``{'failed': REASON}``.
    """
    if 'failed' in result:
        log = f'; see {result["log"]}' if 'log' in result else ''
        return Row(run, FAILED, {}, result['failed'] + log)
    row = Row(run, SYNTHETIC if result['data'] == 'synthetic' else REPRODUCED, result)
    lacking = [name for name in run.published if row.difference(name) is None]
    if lacking:
        return Row(run, FAILED, result, f'the test gave no {", ".join(lacking)}')
    far = [name for name in run.published if not _is_close(name, row.difference(name) or 0)]
    if far and row.verdict == REPRODUCED:
        return Row(run, DIFFERS, result, f'by more than rounding: {", ".join(far)}')
    return row


def missing(run: Run) -> Row:
    """A run whose file or data is not at hand."""
    return Row(run, MISSING, {}, run.waits_for)


def all_good(rows: List[Row]) -> bool:
    """Whether every run has been tested, with the published result."""
    return all(row.good for row in rows)


def _is_close(metric: str, difference: float) -> bool:
    return abs(difference) < TOLERANCES.get(metric, TOLERANCE) + 0.01
