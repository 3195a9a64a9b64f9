"""Fetching published files, once."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_local_rank, is_distributed

from ..errors import CheckpointError, CheckpointMissingError
from ..utils.files import path_inside
from .families import find_pretrained, published_files

# where configs look for the files that only a browser can fetch
FOLDER = Path('pretrained')


def find_best(family: str, arch: Any) -> str:
    """The published weights with the highest accuracy that need no browser: a path or a URL.

    A file that is in torch's cache, or in the folder ``pretrained``, is taken from there.

    Args:
        family: Class name of the backbone.
        arch: The name of its arch; anything else has no published weights.

    Raises:
        CheckpointError: There are none; or all are on pages for browsers and none has been saved
            yet: says which page to open, and where to save the file.
    """
    if not isinstance(arch, str):
        raise CheckpointError(f'there are no published weights for a {family} of another arch')
    files = published_files(family, arch)
    direct = [file for file in files if file.direct][:1]
    for file in direct or files:
        for path in (_cache() / file.file, FOLDER / file.file):
            if path.is_file():
                return str(path)
    if direct:
        return direct[0].url
    name = f'{family.lower()}_{arch}'
    if not files:
        raise CheckpointError(f'there are no published weights for {name}')
    raise CheckpointError(
        f'the weights of {name} are no direct download: open {files[0].url} in a browser and save '
        f'the file as {_cache() / files[0].file}'
    )


def cached_copy(url: str) -> Path:
    """Where :func:`download` keeps the file of a URL."""
    return path_inside(_cache(), _cached_name(url))


def cached(name: str) -> Path:
    """Where a file of that name is in torch's cache, if it is there."""
    return _cache() / name


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / 'checkpoints'


def download(url: str) -> Path:
    """Fetch ``url`` once into torch's cache; a hash in the name (-1234abcd.pth) is checked."""
    name = Path(urlparse(url).path).name
    if is_page(url) or not name:
        raise CheckpointMissingError(
            f'{url} is a page, not a file: open it in a browser, save the file and give its path'
        )
    path = cached_copy(url)
    problem = None
    if not path.is_file() and get_local_rank() == 0:
        promised = torch.hub.HASH_REGEX.search(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), promised and promised[1])
        except (URLError, OSError, RuntimeError) as error:
            problem = getattr(error, 'reason', error)
    if is_distributed():
        barrier()
    if not path.is_file():
        raise CheckpointMissingError(
            f'cannot download {url} ({problem or "see the first process"}): fetch it another way '
            f'and save it as {path}'
        )
    return path


def _cached_name(url: str) -> str:
    """A file name for a URL: files of different models may have one name.

    The name alone serves where it is in the catalogue, or holds a hash of the content.
    """
    entry = find_pretrained(url=url)
    name = Path(urlparse(url).path).name
    if entry:
        return entry.file
    if torch.hub.HASH_REGEX.search(name):
        return name
    return f'{sha256(url.encode()).hexdigest()[:8]}-{name}'


def is_page(url: str) -> bool:
    """Whether a URL is of a page for browsers, and not of a file."""
    return any(host in url for host in _PAGES)


_PAGES = ('drive.google.com', '1drv.ms', 'onedrive.live.com', 'pan.baidu.com')


def where(name: str) -> str:
    entry = find_pretrained(name)
    if entry is None:
        return ''
    how = 'download it from' if entry.direct else 'open'
    then = '' if entry.direct else f' in a browser and save the file as {name}'
    return f': {how} {entry.url}{then}'
