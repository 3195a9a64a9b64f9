"""Losses that are no numbers."""

from math import isfinite
from pathlib import Path
from typing import Any, Dict, List, Optional

from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner

from ...errors import ConfigError

TOLERATED = 10  # in a row, in mixed precision: a step with an overflow is not taken


class LossCheckHook(Hook):
    """Ends a training whose losses are not finite, before it overwrites a good checkpoint.

    It reads what mmengine has put into its message hub for the log, at every iteration, and asks
    nothing of the device.
    """

    priority = 'HIGH'  # after mmengine's RuntimeInfoHook, before checkpoints are saved

    def __init__(self) -> None:
        self._in_a_row = 0

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Dict[str, Any]] = None,
    ) -> None:
        """Look at the losses of this iteration.

        Raises:
            ConfigError: One is infinite or not a number; names the images of the batch.
        """
        scalars = runner.message_hub.log_scalars
        names = [f'train/{name}' for name in outputs or ()]
        found = {n[6:]: scalars[n].current() for n in names if n in scalars}
        bad = [f'{name} {value}' for name, value in found.items() if not isfinite(value)]
        self._in_a_row = self._in_a_row + 1 if bad else 0
        tolerated = TOLERATED if _skips_overflows(runner) else 0
        if self._in_a_row > tolerated:
            images = image_names(data_batch)
            of = f', with the images {", ".join(images)}' if images else ''
            raise ConfigError(
                f'the losses are not finite at iteration {runner.iter + 1} ({", ".join(bad)}){of}; '
                'checkpoints saved before are whole'
            )


def _skips_overflows(runner: Runner) -> bool:
    wrapper = runner.optim_wrapper
    return (
        isinstance(wrapper, AmpOptimWrapper) and getattr(wrapper, 'loss_scaler', None) is not None
    )


def image_names(batch: Any) -> List[str]:
    """The files of a batch of any of the three libraries."""
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    paths = [getattr(sample, 'metainfo', {}).get('img_path') for sample in samples or ()]
    return [Path(path).name for path in paths if path]
