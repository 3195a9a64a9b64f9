"""Getting a state dict out of a file or URL."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Union
from urllib.parse import urlparse
from urllib.request import url2pathname

from torch import Tensor

from ..errors import CheckpointError, CheckpointMissingError
from .download import download, where
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
    path = _fetch(source)
    if not path.is_file():
        raise CheckpointMissingError(f'no checkpoint file {path}{where(path.name)}')
    content = _open(path, source)
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


SCHEMES = {
    'torchvision': 'it names a model of torchvision, which is none of this package',
    'open-mmlab': 'it names a model of OpenMMLab; give the URL of its file',
    'hf': 'give the URL of the file, https://huggingface.co/NAME/resolve/main/FILE',
    's3': 'fetch the file, and give its path',
}


def open_source(source: str) -> Any:
    """All that the file of a path or URL holds, on the CPU.

    Raises:
        CheckpointError: It is missing, cannot be fetched, is damaged, or could run code.
    """
    path = _fetch(source)
    if not path.is_file():
        raise CheckpointError(f'no checkpoint file {path}')
    return _open(path, source)


def _fetch(source: str) -> Path:
    """The path of a file, fetched if it has to be.

    Raises:
        CheckpointError: It cannot be fetched, or is named in a way that is not read here.
    """
    scheme, separator, _ = source.partition('://')
    if not separator:
        return Path(source).expanduser()
    if scheme in ('http', 'https'):
        return download(source)
    if scheme == 'file':
        return Path(url2pathname(urlparse(source).path))
    then = SCHEMES.get(scheme, 'give a path, or a URL with http or https')
    raise CheckpointError(f'{source} is not read here: {then}')


def _open(path: Path, source: str) -> Any:
    """What is in a file; a download that is damaged is not kept, and fetched anew the next time."""
    try:
        return open_file(path)
    except CheckpointError as error:
        if not source.startswith(('http://', 'https://')):
            raise
        path.unlink(missing_ok=True)
        raise CheckpointError(f'{source}: {error}; it has been removed from the cache') from None


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
