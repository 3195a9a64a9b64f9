"""How fast a test goes."""

from time import perf_counter
from typing import Any, Optional, Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner


class RateHook(Hook):
    """Counts what is tested, and the time from the first batch's loading to the last result."""

    def __init__(self) -> None:
        self.count = 0
        self._begin = self._end = 0.0

    def before_test_epoch(self, runner: Runner) -> None:
        """Start the clock."""
        self.count = 0
        self._begin = self._end = perf_counter()

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Sequence[Any]] = None,
    ) -> None:
        """Count a batch."""
        self.count += len(outputs or ())
        self._end = perf_counter()

    @property
    def per_second(self) -> float:
        """Of what was counted; 0 before anything was."""
        seconds = self._end - self._begin
        return self.count / seconds if seconds else 0.0
