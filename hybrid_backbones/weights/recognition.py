"""Whose weights these are, told by the names."""

from typing import Iterable, Optional, Tuple

from .dialects import Dialect
from .families import DIALECTS

# Keys that tell other networks apart, so that a wrong file can be named. Order matters: HRNet also
# has ResNet's layer1.
STRANGERS = (
    ('HRNet', 'transition1.0.0.weight'),
    ('Swin Transformer', 'layers.0.blocks.0.attn.relative_position_bias_table'),
    ('ResNet', 'layer1.0.conv1.weight'),
    ('a plain vision transformer', 'blocks.0.attn.qkv.weight'),
)


def recognise(keys: Iterable[str]) -> Tuple[Optional[Dialect], str]:
    """The dialect of a state dict, and the prefix before its names (``'backbone.'``, say).

    Returns:
        ``(None, '')`` if no dialect fits.
    """
    keys = list(keys)
    for dialect in DIALECTS:
        ends = [key for key in keys if ('.' + key).endswith('.' + dialect.signature)]
        if ends:
            shortest = min(ends, key=len)
            return dialect, shortest[: len(shortest) - len(dialect.signature)]
    return None, ''


def name_stranger(keys: Iterable[str]) -> Optional[str]:
    """Name of a network that no dialect here covers, if its keys are known."""
    keys = list(keys)
    for name, signature in STRANGERS:
        if any(('.' + key).endswith('.' + signature) for key in keys):
            return name
    return None
