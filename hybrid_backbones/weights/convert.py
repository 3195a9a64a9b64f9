"""Writing weights under our names, or the authors'."""

import hashlib
import io
import re
from pathlib import Path
from typing import Any, Dict
from urllib.parse import urlparse

import torch
from torch import Tensor

from ..errors import CheckpointError
from ..utils.files import atomic_path, check_file
from .checkpoint import read_checkpoint
from .families import KEY_MAPPINGS
from .identify import identify, identify_other
from .key_mapping import join_parts
from .whole_model import SETTINGS, divide, translate_model

SUFFIXES = ('.pth', '.safetensors')
DIGITS = 8  # of the SHA-256

Weights = Dict[str, Tensor]


def convert(
    source: str, destination: str, backbone_only: bool = False, official: bool = False
) -> Path:
    """Rename a checkpoint's backbone and write it, the rest unchanged.

    Args:
        source: Path or URL, in any key mapping; a detector's checkpoint is fine.
        destination: File to write, ``.pth`` (under ``state_dict``) or ``.safetensors``. The first
            eight digits of the content's SHA-256 are put in its name, as torch.hub expects. If it
            is a folder that is there, the file is written into it, under the name of ``source``.
        backbone_only: Leave out the classifier and all other parts of a model, and the prefix.
        official: Use the authors' names instead of ours.

    Returns:
        The file.

    Raises:
        CheckpointError: ``source`` cannot be read or is of no known family, or ``destination`` is
            of another kind.
        OutputError: The file cannot be written.
    """
    file = Path(destination)
    if file.is_dir():
        file /= _name_of(str(source))
    if file.suffix not in SUFFIXES:
        raise CheckpointError(f'{file}: write a {" or a ".join(SUFFIXES)} file')
    if not file.parent.is_dir():
        raise CheckpointError(f'{file}: no folder {file.parent}')
    check_file(_with_digest(file, '0' * DIGITS))
    checkpoint = read_checkpoint(source, allow_non_finite=True)  # to be judged by who uses it
    state = checkpoint.state
    key_mapping, prefix = identify(state)
    if key_mapping is None:
        stranger = identify_other(state)
        raise CheckpointError(
            f'{checkpoint.name} holds {stranger or "weights"} of no family known here '
            f'(its names begin with {next(iter(state)).split(".")[0]!r})'
        )
    backbone, rest = divide(state, key_mapping, prefix)
    named = join_parts(backbone)
    if official:
        authors = next(
            d for d in KEY_MAPPINGS if d.family == key_mapping.family and d.source == 'authors'
        )
        named = authors.publish(named)
    settings: Dict[str, Any] = {}
    content = named
    if not backbone_only:
        content = {**{prefix + key: value for key, value in named.items()}, **rest}
    if not backbone_only and not official:
        published = translate_model(checkpoint)
        settings = {key: value for key, (value, _) in published.settings.items()}
        if published.source:  # a whole model, whose heads are renamed too
            content = published.checkpoint.state
    return _write({k: v.detach().clone().contiguous() for k, v in content.items()}, file, settings)


def _write(content: Dict[str, Tensor], destination: Path, settings: Dict[str, Any]) -> Path:
    data = _serialise(content, destination, settings)
    final = _with_digest(destination, hashlib.sha256(data).hexdigest()[:DIGITS])
    with atomic_path(final) as part:
        part.write_bytes(data)
    return final


def _with_digest(path: Path, digest: str) -> Path:
    return path.with_name(f'{path.stem}-{digest}{path.suffix}')


def _name_of(source: str) -> str:
    """The name of a path or URL, without the digits that are another file's."""
    name = Path(urlparse(source).path if '://' in source else source)
    stem = re.sub(rf'-[0-9a-f]{{{DIGITS},}}$', '', name.stem) or 'weights'
    return stem + (name.suffix if name.suffix in SUFFIXES else SUFFIXES[0])


def _serialise(content: Dict[str, Tensor], destination: Path, settings: Dict[str, Any]) -> bytes:
    if destination.suffix == '.pth':
        buffer = io.BytesIO()
        saved: Dict[str, Any] = {'state_dict': content}
        if settings:
            saved['meta'] = {SETTINGS: settings}
        torch.save(saved, buffer)
        return buffer.getvalue()
    try:
        from safetensors.torch import save
    except ImportError:
        message = f'{destination}: to write it, pip install safetensors'
        raise CheckpointError(message) from None
    return save(content)
