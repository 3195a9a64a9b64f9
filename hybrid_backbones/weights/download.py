"""Fetching published files, once."""

from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_local_rank, is_distributed

from ..errors import CheckpointError
from .families import find_pretrained

WITHOUT = 'train without it by --cfg-options model.backbone.init_cfg=None'


def download(url: str) -> Path:
    """Fetch ``url`` once into torch's cache; a hash in the name (-1234abcd.pth) is checked."""
    name = Path(urlparse(url).path).name
    page = next((host for host in _PAGES if host in url), None)
    if page or not name:
        raise CheckpointError(
            f'{url} is a page, not a file: open it in a browser, save the file and give its path; '
            f'or {WITHOUT}'
        )
    path = Path(torch.hub.get_dir()) / 'checkpoints' / _cached_name(url)
    problem = None
    if not path.is_file() and get_local_rank() == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
        promised = torch.hub.HASH_REGEX.search(name)
        try:
            torch.hub.download_url_to_file(url, str(path), promised and promised[1])
        except (URLError, OSError, RuntimeError) as error:
            problem = getattr(error, 'reason', error)
    if is_distributed():
        barrier()
    if not path.is_file():
        raise CheckpointError(
            f'cannot download {url} ({problem or "see the first process"}): save it elsewhere and '
            f'give its path by --cfg-options model.backbone.init_cfg.checkpoint=FILE; or {WITHOUT}'
        )
    return path


def _cached_name(url: str) -> str:
    """A file name for a URL; on Hugging Face the files of different models have one name."""
    entry = find_pretrained(url=url)
    if entry:
        return entry.file
    *folders, name = urlparse(url).path.strip('/').split('/')
    return '-'.join([*folders, name]) if name in _COMMON_NAMES else name


_COMMON_NAMES = ('pytorch_model.bin', 'model.safetensors')


_PAGES = ('drive.google.com', '1drv.ms', 'onedrive.live.com', 'pan.baidu.com')


def where(name: str) -> str:
    entry = find_pretrained(name)
    if entry is None:
        return ''
    how = 'download it from' if entry.direct else 'open'
    then = '' if entry.direct else f' in a browser and save the file as {name}'
    return f': {how} {entry.url}{then}'
