"""mmengine's own loading of checkpoints, made to run no code from them.

It reads what a config names for a part of a model (``init_cfg`` of a neck or head), and what an
inferencer is given. mmengine 0.10 leaves it to torch, which runs what a file asks for before 2.6,
and for URLs still does; onedl-mmengine 0.10.12 falls back to that after a warning, and mmengine
0.11 asks for it.
"""

import os
from types import ModuleType
from typing import Any

import torch
from mmengine.runner import checkpoint as mmengine_checkpoint

from ..weights.checkpoint import open_source
from ..weights.open_file import load_weights_only


def load_safely() -> None:
    """Let mmengine read checkpoints as :func:`hybrid_backbones.weights.read_checkpoint` does."""
    for name, value in dict(torch=_SafeTorch('torch'), load_url=_load_url).items():
        setattr(mmengine_checkpoint, name, value)


class _SafeTorch(ModuleType):
    """torch, but for ``load``, which takes tensors and plain values alone."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def load(file: Any, map_location: Any = None, **_: Any) -> Any:
        """What the file holds, on the CPU if it is a path.

        Raises:
            CheckpointError: It is damaged, no checkpoint, or holds what could run code.
        """
        if isinstance(file, (str, os.PathLike)):
            return open_source(os.fspath(file))
        return load_weights_only(file, map_location)


def _load_url(url: str, *_: Any, **__: Any) -> Any:
    """In place of torch's own; with several processes mmengine calls it in the first one, waits for
    it, and then calls it in the others."""
    return open_source(url)
