"""The weights that the authors published.

Numbers are the authors' own: ImageNet-1K validation, at 224 pixels or the size in the file's name.
Where ``url`` is no direct download it is the page to open in a browser; save the file under
``pretrained/`` with the name ``file``.
"""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class PretrainedFile:
    """One file of ImageNet weights.

    Args:
        file: The file's name, or where the page gives none, the name to save it under.
        family: Class name of the backbone.
        arch: Its arch.
        top1: ImageNet-1K top-1 accuracy in percent, as published; None where it is not.
        params: Parameters of the classification network in millions, as published.
        url: Where it is.
        direct: Whether ``url`` is the file itself and not a page.
        licence: Licence of the authors' repository.
        source: Where the accuracy is published.
    """

    file: str
    family: str
    arch: str
    top1: Optional[float]
    params: float
    url: str
    direct: bool
    licence: str
    source: str
