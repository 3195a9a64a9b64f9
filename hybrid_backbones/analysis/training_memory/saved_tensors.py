"""What a network keeps in memory from the forward pass for the backward pass."""

from contextlib import ExitStack, contextmanager
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple

import torch
from torch import Tensor, nn

from ...backbones.base import HybridBackbone

Storages = Dict[int, torch.UntypedStorage]  # by address; they are held, so none is used twice


class SavedTensors:
    """Counts the bytes that autograd keeps, each piece of memory once.

    Parameters and buffers are not counted: they are in memory anyway. Of a block that is
    recomputed in the backward pass only the inputs are kept; what is kept while the largest such
    block is recomputed is counted apart.

    Args:
        module: Whose parameters and buffers are left out.
    """

    def __init__(self, module: nn.Module):
        self._known = {_storage(t)._cdata for t in (*module.parameters(), *module.buffers())}
        self._kept: Storages = {}
        self._block: Optional[Storages] = None
        self.recomputed = 0

    @property
    def kept(self) -> int:
        """Bytes that are kept at the end of the forward pass."""
        return _bytes(self._kept)

    @property
    def peak(self) -> int:
        """Bytes that are kept while the largest recomputed block is there too."""
        return self.kept + self.recomputed

    @contextmanager
    def counting(self) -> Iterator['SavedTensors']:
        """Count what is saved inside."""
        with torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor):
            yield self

    @contextmanager
    def recomputing(self, inputs: Iterable[object]) -> Iterator[None]:
        """Inside runs a block that would be recomputed from ``inputs``."""
        given: Storages = {}
        for tensor in (x for x in inputs if isinstance(x, Tensor)):
            self._add(given, tensor)
        self._block = {}
        try:
            yield
        finally:
            inner, self._block = self._block, None
            if inner:  # a frozen block keeps nothing, neither way
                self._kept.update(given)
                self.recomputed = max(
                    self.recomputed, _bytes({k: s for k, s in inner.items() if k not in given})
                )

    def _pack(self, tensor: Tensor) -> Tensor:
        self._add(self._kept if self._block is None else self._block, tensor)
        return tensor

    def _add(self, storages: Storages, tensor: Tensor) -> None:
        storage = _storage(tensor)
        if storage._cdata not in self._known:
            storages[storage._cdata] = storage


def follow_checkpointing(backbone: HybridBackbone, saved: SavedTensors) -> None:
    """Let ``saved`` see the blocks that ``with_cp`` recomputes; the backbone is for counting then.

    Nothing is recomputed: torch's checkpoints hide from the counting what they keep.
    """
    for stage in backbone.stages:
        for block in stage.checkpointed_blocks():
            _watch(block, saved)
        stage.num_checkpointed = 0


def _watch(block: nn.Module, saved: SavedTensors) -> None:
    running = ExitStack()

    def begin(block: nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        running.enter_context(saved.recomputing((*args, *kwargs.values())))

    block.register_forward_pre_hook(begin, with_kwargs=True)
    block.register_forward_hook(lambda *_: running.close(), always_call=True)


def _storage(tensor: Tensor) -> torch.UntypedStorage:
    return tensor.untyped_storage()


def _bytes(storages: Storages) -> int:
    return sum(storage.nbytes() for storage in storages.values())
