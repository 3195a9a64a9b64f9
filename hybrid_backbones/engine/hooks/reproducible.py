"""A resumed training does what an uninterrupted one would have done, number for number."""

import inspect
from typing import Any, Iterator, Optional

from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from ..seeded_batches import SeededBatchSampler
from ..seeding import MODEL, derive_seed, set_random_state


class RandomStateHook(Hook):
    """Random numbers by iteration: of drop path, dropout, and samplers of regions.

    They are drawn from the seed, the iteration and the process; those of augmentations from the
    seed, the epoch and the batch (see ``SeededBatchSampler``).
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Tell the batches the seed."""
        batches = _batches(runner)
        if batches is not None:
            batches.seed = runner.seed

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Begin the random numbers of this iteration."""
        set_random_state(derive_seed(runner.seed, get_rank(), MODEL, runner.iter))


class DataPositionHook(Hook):
    """The place in the data: what has been trained on is passed over without being loaded."""

    priority = 'VERY_LOW'  # after mmengine's hook that gives samplers their epoch

    def before_train_epoch(self, runner: Runner) -> None:
        """Go to where the training was stopped, which may be in the middle of an epoch."""
        batches, loop = _batches(runner), runner.train_loop
        if batches is None or not runner.iter:
            return
        if isinstance(loop, IterBasedTrainLoop):  # its one epoch is the whole training
            loop.dataloader_iterator = _go_on(loop, batches, runner.iter)
        else:
            batches.skip = max(runner.iter - runner.epoch * len(batches), 0)


def _batches(runner: Runner) -> Optional[SeededBatchSampler]:
    batches = getattr(runner.train_loop.dataloader, 'batch_sampler', None)
    return batches if isinstance(batches, SeededBatchSampler) else None


def _go_on(loop: IterBasedTrainLoop, batches: SeededBatchSampler, done: int) -> Iterator[Any]:
    """An iterator that gives the batch after those that were trained on."""
    iterator = loop.dataloader_iterator
    if isinstance(batches.sampler, InfiniteSampler):
        ready = min(batches.drawn, done)  # workers have loaded them ahead, or are about to
        batches.skip = done - ready
        for _ in range(ready):
            next(iterator)
    else:
        rounds, batches.skip = divmod(done, len(batches))
        if hasattr(batches.sampler, 'set_epoch'):
            batches.sampler.set_epoch(rounds)
        iterator = type(iterator)(loop.dataloader)
        iterator._epoch = rounds
    return _Advanced(iterator, done if _advances(loop) else 0)


def _advances(loop: IterBasedTrainLoop) -> bool:
    """Whether this mmengine loads, on resuming, all that was trained on, to pass over it."""
    return inspect.getsource(type(loop).run).count('next(self.dataloader_iterator)') > 1


class _Advanced:
    """Batches, after as many calls that give nothing."""

    def __init__(self, batches: Iterator[Any], empty: int):
        self._batches, self._empty = batches, empty

    def __iter__(self) -> Iterator[Any]:
        return self

    def skip_iter(self, num_iters: int) -> None:
        """How onedl-mmengine's loop asks to pass over batches: they have been."""

    def __next__(self) -> Any:
        if self._empty:
            self._empty -= 1
            return None
        return next(self._batches)
