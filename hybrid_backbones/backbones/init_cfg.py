"""What ``init_cfg`` says, in any spelling that mmengine takes."""

from typing import Any, Dict, List, Optional, Tuple

from mmengine.model import PretrainedInit

from ..config.traverse import kind_of
from ..errors import ConfigError


def split_init_cfg(init_cfg: Any) -> Tuple[Optional[Dict[str, Any]], List[Dict[str, Any]]]:
    """The part that names a checkpoint, and the others.

    Args:
        init_cfg: A dict, or a list of dicts; the ``type`` of each a name, a dotted name or a class.

    Raises:
        ConfigError: It is something else, or names two checkpoints.
    """
    if not init_cfg:
        return None, []
    parts = list(init_cfg) if isinstance(init_cfg, (list, tuple)) else [init_cfg]
    if not all(isinstance(part, dict) for part in parts):
        raise ConfigError(
            f"init_cfg must be dict(type='Pretrained', checkpoint=FILE_OR_URL), got {init_cfg!r}"
        )
    pretrained = [part for part in parts if is_pretrained(part)]
    if len(pretrained) > 1:
        raise ConfigError(f'init_cfg names {len(pretrained)} checkpoints: one is loaded')
    others = [part for part in parts if part not in pretrained]
    return (pretrained[0] if pretrained else None), others


def is_pretrained(part: Any) -> bool:
    """Whether a part of ``init_cfg`` names a checkpoint."""
    kind = part.get('type') if isinstance(part, dict) else None
    if isinstance(kind, type):
        return issubclass(kind, PretrainedInit)
    return kind_of(part) in ('Pretrained', 'PretrainedInit')
