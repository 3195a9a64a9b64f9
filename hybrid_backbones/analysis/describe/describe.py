"""What is known about a backbone or a config, under its name."""

from difflib import get_close_matches
from typing import Any, Dict, Optional, Tuple

from ...errors import ConfigError
from ...zoo.configs import is_config, list_configs, read_config
from .backbone import describe_backbone
from .config import describe_config

SMALLEST = 32  # pixels to a side


def describe(name: str, size: Optional[Tuple[int, int]] = None) -> Dict[str, Any]:
    """What is known about a backbone or a config: parts, costs, weights, published results.

    No weight is drawn or read.

    Args:
        name: A backbone (``uniformer_small``); or a config: its name (``maskrcnn_uniformer_s_1x``),
            its path, or that of a library's (``mmdet::retinanet/retinanet_r50_fpn_1x_coco.py``).
        size: Height and width of the image that operations are counted for, in pixels; None: for
            a backbone 800 x 1280, for a config what it trains on.

    Returns:
        Numbers, strings, lists and dicts that JSON can hold. ``flops`` are multiply-adds.

    Raises:
        ConfigError: There is neither, or the image is too small. It is a ``ValueError``.

    Example:
        >>> import hybrid_backbones
        >>> about = hybrid_backbones.describe('uniformer_small', size=(224, 224))
        >>> [(level['channels'], level['stride']) for level in about['levels']]
        [(64, 4), (128, 8), (320, 16), (512, 32)]
    """
    if size and min(size) < SMALLEST:
        raise ConfigError(
            f'`size` must be at least {SMALLEST}x{SMALLEST} pixels, got {size[0]}x{size[1]}'
        )
    if is_config(name):
        return describe_config(name, size)
    if get_close_matches(name, list_configs(), n=1, cutoff=0.8):
        read_config(name)  # which says what is close
    return describe_backbone(name, *([size] if size else []))
