"""The whole models that were published: detectors, segmentors and pose estimators.

The table itself is ``model_files.yml``. Licences are those of the authors' and OpenMMLab's
repositories; the datasets that the models were trained on have terms of their own.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from mmengine.fileio import load

from ..errors import CheckpointError
from ..utils.files import sha256_of
from ..weights.download import FOLDER, cached, cached_copy

TABLE = Path(__file__).with_suffix('.yml')
COMMERCIAL = ('Apache-2.0', 'MIT')  # licences that allow commercial use
_DIRECT = ('https://download.openmmlab.com/', 'https://github.com/')
_HASH = re.compile(r'-([0-9a-f]{8})(?=[_.])')


@dataclass(frozen=True)
class ModelFile:
    """One file of a trained model.

    Args:
        config: Name of the config that it is tested with.
        file: Its name, or where the page gives none, the name to save it under.
        url: Where it is.
        toolbox: What it was trained with.
        licence: Of the repository that published it.
        metrics: As published with the file, in percent; see the config for the dataset.
    """

    config: str
    file: str
    url: str
    toolbox: str
    licence: str
    metrics: Dict[str, float]

    @property
    def direct(self) -> bool:
        """Whether ``url`` is the file itself and not a page for browsers."""
        return self.url.startswith(_DIRECT)

    @property
    def commercial_use(self) -> bool:
        """Whether the licence allows it."""
        return self.licence in COMMERCIAL

    @property
    def sha256(self) -> Optional[str]:
        """The first eight digits, where the file's name has them."""
        found = _HASH.search(self.file)
        return found[1] if found else None


def list_model_files(pattern: str = '*') -> List[ModelFile]:
    """Published whole models.

    Args:
        pattern: Of configs' names, with the wildcards ``*``, ``?`` and ``[...]`` of file names.

    Example:
        >>> from hybrid_backbones.zoo.model_files import list_model_files
        >>> [file.file for file in list_model_files('retinanet_transxnet_*')]
        ['retinanet_tiny.pth', 'retinanet_small.pth', 'retinanet_base.pth']
    """
    return [file for file in _table() if fnmatchcase(file.config, pattern)]


def find_model_file(config: str, weights_dir: Optional[str] = None) -> str:
    """The published file for a config: a path if it is at hand, else a URL to fetch it from.

    Args:
        config: Name or path of a built-in config.
        weights_dir: Where to look first; then in ``pretrained`` and torch's cache.

    Raises:
        CheckpointError: None is published for the config; or it is on a page for browsers and has
            not been saved yet: says which page to open, and where to save the file; or the file
            at hand is not the published one.
    """
    name = Path(config).stem
    files = list_model_files(name)
    if not files:
        raise CheckpointError(f'no trained model is published for {name}: name a checkpoint')
    for file in files:
        path = at_hand(file, weights_dir)
        if path:
            problem = check_hash(file, sha256_of(path)) if file.sha256 else ''
            if problem:
                raise CheckpointError(problem)
            return str(path)
    for file in files:
        if file.direct:
            return file.url
    raise CheckpointError(
        f'the published model for {name} is no direct download: open {files[0].url} in a browser '
        f'and save the file as {where_to_save(files[0], weights_dir)}'
    )


def where_to_save(file: ModelFile, weights_dir: Optional[str] = None) -> Path:
    """Where :func:`at_hand` looks first."""
    return Path(weights_dir or FOLDER) / file.file


def at_hand(file: ModelFile, weights_dir: Optional[str] = None) -> Optional[Path]:
    """Where a file has been saved, None if nowhere."""
    found = [Path(weights_dir) / file.file] if weights_dir else []
    found += [FOLDER / file.file, cached(file.file)]
    found += [cached_copy(file.url)] if file.direct else []
    return next((path for path in found if path.is_file()), None)


def check_hash(file: ModelFile, sha256: str) -> str:
    """What is wrong with a file whose published hash is known; empty if nothing is.

    Args:
        file: What was published.
        sha256: Of the file at hand, in hexadecimal digits.
    """
    if file.sha256 is None or sha256.startswith(file.sha256):
        return ''
    return (
        f'{file.file} was changed or is not whole: its SHA-256 begins with {sha256[:8]}, that of '
        f'the published file with {file.sha256}'
    )


@cache
def _table() -> Tuple[ModelFile, ...]:
    return tuple(ModelFile(**entry) for entry in load(str(TABLE)))
