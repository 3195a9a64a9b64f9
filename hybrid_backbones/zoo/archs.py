"""What there is: every arch of every family."""

from dataclasses import dataclass
from typing import List, Optional, Tuple

import torch

from ..backbones import families
from ..complexity import count_parameters
from ..weights import PretrainedFile, published_files


@dataclass(frozen=True)
class ArchInfo:
    """One arch, as a dense backbone with all its levels.

    Args:
        family: Class name, as in ``type='hybrid_backbones.<family>'``.
        arch: Its name in the family.
        params: Parameters of the backbone.
        channels: Of each level.
        strides: Of each level, in pixels.
        weights: The published files, best first.
    """

    family: str
    arch: str
    params: int
    channels: Tuple[int, ...]
    strides: Tuple[int, ...]
    weights: Tuple[PretrainedFile, ...]


def list_archs(family: Optional[str] = None) -> List[ArchInfo]:
    """All archs, or those of one family; no weight is drawn or read for it.

    Raises:
        ValueError: There is no such family.

    Example:
        >>> import hybrid_backbones
        >>> tiny, *_ = hybrid_backbones.list_archs('HRFormer')
        >>> tiny.arch, tiny.channels, tiny.strides
        ('tiny', (18, 36, 72, 144), (4, 8, 16, 32))
    """
    known = families()
    if family is not None and family not in known:
        raise ValueError(f'family must be one of {", ".join(known)}, got {family!r}')
    names = known if family is None else (family,)
    return [arch_info(name, arch) for name in names for arch in known[name].archs]


def arch_info(family: str, arch: str) -> ArchInfo:
    """About one arch of a family."""
    with torch.device('meta'):
        backbone = families()[family](arch)
    return ArchInfo(
        family=family,
        arch=arch,
        params=count_parameters(backbone),
        channels=backbone.out_channels,
        strides=backbone.out_strides,
        weights=published_files(family, arch),
    )
