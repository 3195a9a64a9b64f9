"""The weights that the authors published.

Numbers are the authors' own (ImageNet-1K validation, 224x224). Where ``url`` is no direct download
it is the page to open in a browser; save the file under ``pretrained/`` with the name ``file``.
"""

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class PublishedFile:
    """One file of ImageNet weights.

    Args:
        file: The file's name, or where the page gives none, the name to save it under.
        family: Class name of the backbone.
        arch: Its arch.
        top1: ImageNet-1K top-1 accuracy in percent, as published.
        params: Parameters of the classification network in millions, as published.
        url: Where it is.
        direct: Whether ``url`` is the file itself and not a page.
        licence: Licence of the authors' repository.
        source: Where the accuracy is published.
    """

    file: str
    family: str
    arch: str
    top1: float
    params: float
    url: str
    direct: bool
    licence: str
    source: str


def find_published(file: str) -> Optional[PublishedFile]:
    """The entry of a file's name, None if there is none."""
    return next((entry for entry in PUBLISHED if entry.file == file), None)


def _uniformer(file: str, arch: str, top1: float, params: float, where: str) -> PublishedFile:
    direct = where == _UNIFORMER_HUB
    return PublishedFile(
        file=file,
        family='UniFormer',
        arch=arch,
        top1=top1,
        params=params,
        url=where + file if direct else f'https://drive.google.com/file/d/{where}',
        direct=direct,
        licence='Apache-2.0',
        source='https://github.com/Sense-X/UniFormer/tree/main/image_classification',
    )


_UNIFORMER_HUB = 'https://huggingface.co/Sense-X/uniformer_image/resolve/main/'

PUBLISHED: Tuple[PublishedFile, ...] = (
    _uniformer('uniformer_small_in1k.pth', 'small', 82.9, 22, _UNIFORMER_HUB),
    _uniformer('uniformer_base_in1k.pth', 'base', 83.8, 50, _UNIFORMER_HUB),
    _uniformer(
        'uniformer_small_plus_in1k.pth',
        'small_plus',
        83.4,
        24,
        '10IN5ULcjz0Ld_lDokkTGOSmRFXLzUkEs',
    ),
    _uniformer(
        'uniformer_small_plus_dim64_in1k.pth',
        'small_plus_dim64',
        83.4,
        24,
        '178ipRvMBKeAP_Fzy6fEr2HQkIQWdgEY6',
    ),
    _uniformer(
        'uniformer_base_ls_in1k.pth', 'base_ls', 83.9, 50, '10FnwzMVgGL8bPO3EMZ7oG4vDvqnPoBK5'
    ),
    _uniformer(
        'uniformer_small_tl_224.pth', 'small_tl', 83.4, 22, '16wjfeyqQFZ2x9W91EXf0Py1bfv4Fydfr'
    ),
    _uniformer(
        'uniformer_small_plus_tl_224.pth',
        'small_plus_tl',
        83.9,
        24,
        '16rgtEVEeX3jVTQaiLsojBQP5sRaj_2aZ',
    ),
    _uniformer(
        'uniformer_base_tl_224.pth', 'base_tl', 85.1, 50, '16nsTjawiYZuoCHBRarr58zA7vCFcmQmL'
    ),
    _uniformer(
        'uniformer_large_ls_tl_224.pth',
        'large_ls_tl',
        85.6,
        100,
        '173e2qaJhOwbuC_DbNQSH47Oo_04mSfDj',
    ),
    _uniformer(
        'uniformer_small_dim64_tl_224.pth',
        'small_dim64_tl',
        83.4,
        22,
        '17NC5qqAWCT2gI_jY_cJnFTOqRQTSwsoz',
    ),
    _uniformer(
        'uniformer_small_plus_dim64_tl_224.pth',
        'small_plus_dim64_tl',
        83.6,
        24,
        '17OfoDWt2_nA0BYN0OuLPpG8mHJDTluQQ',
    ),
    _uniformer(
        'uniformer_base_dim64_tl_224.pth',
        'base_dim64_tl',
        84.8,
        50,
        '17MneG9CnZG6zBvXYUr4WUXoTYc4rjJj5',
    ),
)
