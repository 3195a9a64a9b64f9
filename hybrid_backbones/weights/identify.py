"""Whose weights these are, told by the names."""

from typing import Iterable, Optional, Tuple

from .families import KEY_MAPPINGS
from .key_mapping import KeyMapping

# Keys that tell other networks apart, so that a wrong file can be named. Order matters: HRNet also
# has ResNet's layer1.
OTHER_MODELS = (
    ('HRNet', 'transition1.0.0.weight'),
    ('Swin Transformer', 'layers.0.blocks.0.attn.relative_position_bias_table'),
    ('ResNet', 'layer1.0.conv1.weight'),
    ('a plain vision transformer', 'blocks.0.attn.qkv.weight'),
)


def identify(keys: Iterable[str]) -> Tuple[Optional[KeyMapping], str]:
    """The key mapping of a state dict, and the prefix before its names (``'backbone.'``, say).

    Returns:
        ``(None, '')`` if no key mapping fits.
    """
    keys = list(keys)
    for key_mapping in KEY_MAPPINGS:
        ends = [key for key in keys if ('.' + key).endswith('.' + key_mapping.signature)]
        if ends:
            shortest = min(ends, key=len)
            return key_mapping, shortest[: len(shortest) - len(key_mapping.signature)]
    return None, ''


def identify_other(keys: Iterable[str]) -> Optional[str]:
    """Name of a network that no key mapping here covers, if its keys are known."""
    keys = list(keys)
    for name, signature in OTHER_MODELS:
        if any(('.' + key).endswith('.' + signature) for key in keys):
            return name
    return None
