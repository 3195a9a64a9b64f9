"""Batches that carry the seed of their augmentations, from any place of an epoch on."""

from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.registry import DATA_SAMPLERS as ALL_DATA_SAMPLERS
from torch.utils.data import BatchSampler, Sampler

from ..registry import DATA_SAMPLERS
from .seeding import DATA, derive_seed, random_state


class SeededBatch(List[int]):
    """Indices of a batch. Whoever takes them one by one loads with the batch's own random numbers.

    A data loader does so, in this process or in one of its workers.

    Args:
        indices: Of the dataset.
        seed: Of what is drawn while they are loaded.
    """

    def __init__(self, indices: List[int], seed: int):
        super().__init__(indices)
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        with random_state(self.seed):
            yield from super().__iter__()

    def __reduce__(self) -> Tuple[Any, ...]:
        return SeededBatch, (self[:], self.seed)


@DATA_SAMPLERS.register_module()
class SeededBatchSampler(Sampler[List[int]]):
    """The batches of another batch sampler, as :class:`SeededBatch`.

    Args:
        sampler: Of single indices.
        batch_size: Of one process.
        batch_sampler: Config of the batch sampler; None: torch's own.
        drop_last: Of torch's own: whether an incomplete batch at the end is left out.
    """

    def __init__(
        self,
        sampler: Any,
        batch_size: int,
        batch_sampler: Optional[Dict[str, Any]] = None,
        drop_last: bool = False,
    ):
        self.sampler = sampler
        self.batch_size = batch_size
        self.seed = 0  # of the training
        self.drawn = 0  # batches given out in this round
        self.skip = 0  # batches to pass over; also while a round is under way
        self._batches: Any
        if batch_sampler is None:
            self._batches = BatchSampler(sampler, batch_size, drop_last)
        else:
            self._batches = ALL_DATA_SAMPLERS.build(
                batch_sampler, default_args=dict(sampler=sampler, batch_size=batch_size)
            )

    def __iter__(self) -> Iterator[List[int]]:
        self.drawn = 0
        for number, batch in enumerate(self._batches):
            if self.skip:
                self.skip -= 1
                continue
            self.drawn += 1
            epoch = int(getattr(self.sampler, 'epoch', 0))
            yield SeededBatch(batch, derive_seed(self.seed, get_rank(), DATA, epoch, number))

    def __len__(self) -> int:
        return len(self._batches)


def seed_batches(cfg: Config) -> None:
    """Let the training data of a config be loaded in such batches; changes it in place.

    A ``batch_sampler`` that is no config is left as it is.
    """
    loader: Any = cfg.get('train_dataloader')
    inner = loader.get('batch_sampler') if isinstance(loader, dict) else None
    if not isinstance(loader, dict) or 'batch_size' not in loader:
        return
    if inner is not None and not isinstance(inner, dict):
        return
    seeded = dict(type='hybrid_backbones.SeededBatchSampler', batch_sampler=inner)
    if inner is None:
        seeded['drop_last'] = loader.get('drop_last', False)
    loader['batch_sampler'] = seeded
    loader.pop('drop_last', None)  # torch takes it without a batch sampler only
