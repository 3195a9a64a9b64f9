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
        ConfigError: It is something else, names two checkpoints, or one where none is looked for.
    """
    if not init_cfg:
        return None, []
    parts = list(init_cfg) if isinstance(init_cfg, (list, tuple)) else [init_cfg]
    if not all(isinstance(part, dict) for part in parts):
        raise ConfigError(
            f"init_cfg must be dict(type='Pretrained', checkpoint=FILE_OR_URL), got {init_cfg!r}"
        )
    for part in parts:
        _check_spelling(part)
    pretrained = [part for part in parts if is_pretrained(part)]
    if len(pretrained) > 1:
        raise ConfigError(f'init_cfg names {len(pretrained)} checkpoints: one is loaded')
    others = [part for part in parts if part not in pretrained]
    return (pretrained[0] if pretrained else None), others


def _check_spelling(part: Dict[str, Any]) -> None:
    """See that a checkpoint is named where it is looked for, or refused by mmengine with less."""
    overrides = part.get('override') or []
    overrides = overrides if isinstance(overrides, (list, tuple)) else [overrides]
    if any(map(is_pretrained, overrides)):
        raise ConfigError(
            "init_cfg: a checkpoint in override is loaded by nobody; give dict(type='Pretrained', "
            'checkpoint=FILE_OR_URL) beside the others, in a list'
        )
    kind = kind_of(part)
    if kind != 'Pretrained' and kind.lower() == 'pretrained':
        raise ConfigError(f"init_cfg: the type is written 'Pretrained', not {kind!r}")


def is_pretrained(part: Any) -> bool:
    """Whether a part of ``init_cfg`` names a checkpoint."""
    kind = part.get('type') if isinstance(part, dict) else None
    if isinstance(kind, type):
        return issubclass(kind, PretrainedInit)
    return kind_of(part) in ('Pretrained', 'PretrainedInit')
