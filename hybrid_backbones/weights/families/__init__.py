"""Every family's names and files: each module in this folder has those of one family."""

from typing import Iterable, List, Optional, Tuple

from ...utils.modules import modules_in
from ..key_mapping import KeyMapping
from ..pretrained import PretrainedFile

KEY_MAPPINGS: List[KeyMapping] = []
PRETRAINED: List[PretrainedFile] = []


def register_weights(
    key_mappings: Iterable[KeyMapping], files: Iterable[PretrainedFile] = ()
) -> None:
    """Make a family's published weights known, so that they are recognised and found.

    Args:
        key_mappings: The names that its files use, and those of checkpoints trained here
            (:func:`hybrid_backbones.weights.key_mapping.ours`).
        files: What is published.
    """
    KEY_MAPPINGS.extend(key_mappings)
    PRETRAINED.extend(files)


for _family in modules_in(__name__):
    register_weights(_family.KEY_MAPPINGS, _family.PRETRAINED)


def find_pretrained(file: str = '', url: str = '') -> Optional[PretrainedFile]:
    """The entry with this file name or URL, None if there is none."""
    return next((entry for entry in PRETRAINED if file == entry.file or url == entry.url), None)


def published_files(family: str, arch: str) -> Tuple[PretrainedFile, ...]:
    """The files of one arch, those with the highest accuracy first."""
    files = [entry for entry in PRETRAINED if (entry.family, entry.arch) == (family, arch)]
    return tuple(sorted(files, key=lambda entry: -(entry.top1 or 0)))
