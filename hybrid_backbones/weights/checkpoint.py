"""Getting a state dict out of a file or URL."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Union
from urllib.parse import urlparse

from torch import Tensor

from ..errors import CheckpointError
from .download import WITHOUT, download, where
from .open_file import open_file
from .tensors import find_invalid, unusable

# Where training codes put the weights in a checkpoint, in the order the authors' loaders look.
WRAPPERS = ('model', 'state_dict', 'state_dict_ema', 'model_ema')


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Args:
        state: Names and tensors.
        meta: What mmengine writes beside them, such as the names of the classes; may be empty.
        name: The file's name.
    """

    state: Dict[str, Tensor]
    meta: Dict[str, Any]
    name: str


def read_checkpoint(
    source: Union[str, 'os.PathLike[str]'], allow_non_finite: bool = False
) -> Checkpoint:
    """Read a checkpoint, whatever it wraps the weights in.

    Args:
        source: Path of a ``.pth``, ``.pth.tar``, ``.bin`` or ``.safetensors`` file, or a URL.
        allow_non_finite: Also take weights that are infinite or not a number, and variances below
            zero.

    Raises:
        CheckpointError: The file is missing, cannot be downloaded, holds no weights, or such.
    """
    if not isinstance(source, (str, os.PathLike)) or not str(source):
        raise CheckpointError(f'checkpoint must be the path or URL of a file, got {source!r}')
    source = os.fspath(source)
    path = download(source) if urlparse(source).scheme in ('http', 'https') else Path(source)
    path = path.expanduser()
    if not path.is_file():
        raise CheckpointError(f'no checkpoint file {path}{where(path.name)}; or {WITHOUT}')
    content = open_file(path)
    meta = content.get('meta') if isinstance(content, dict) else None
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    state = {}
    if isinstance(content, dict):
        state = {k: v for k, v in content.items() if isinstance(v, Tensor)}
    if not state:
        raise CheckpointError(
            f'{path} holds no weights: expected a dict of tensors, bare or under '
            f'{", ".join(WRAPPERS)}'
        )
    _check(state, path, allow_non_finite)
    return Checkpoint(state, meta if isinstance(meta, dict) else {}, path.name)


ROOM = 2 << 30  # bytes by which tensors may be larger than the file that holds them


def _check(state: Dict[str, Tensor], path: Path, allow_non_finite: bool) -> None:
    for name, value in state.items():
        problem = unusable(name, value)
        if problem:
            raise CheckpointError(f'{path} holds no weights of a model: {problem}')
    claimed = sum(value.numel() * value.element_size() for value in state.values())
    if claimed > path.stat().st_size + ROOM:
        raise CheckpointError(
            f'{path} has {path.stat().st_size} bytes and claims to hold {claimed >> 30} GiB of '
            'weights'
        )
    invalid = [] if allow_non_finite else find_invalid(state)
    if invalid:
        raise CheckpointError(
            f'{path} was saved after the training had failed: {len(invalid)} of {len(state)} '
            f'tensors are not finite, or variances below zero, the first is {invalid[0]}; take an '
            'earlier checkpoint, or pass `allow_non_finite=True`'
        )
