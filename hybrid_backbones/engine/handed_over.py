"""Checkpoints that are read here, and given to mmengine as if they were files.

mmengine's own loading unpickles what the environment allows, and on resuming runs the config that
it finds as text in old checkpoints. What comes from here has been read safely and has none.
"""

from pathlib import Path
from typing import Any, Dict

from mmengine.runner import CheckpointLoader

SCHEME = 'hybrid_backbones://'  # before the file's name
CODE = 'config'  # in ``meta``: the text of a config, which mmengine runs

_contents: Dict[str, Dict[str, Any]] = {}  # until mmengine has loaded them


def hand_over(source: str, content: Dict[str, Any]) -> str:
    """Keep the content of a checkpoint for mmengine.

    Args:
        source: Where it is from: a path or URL.
        content: With ``state_dict``, and what else mmengine looks for.

    Returns:
        What ``load_from`` has to name. It can be loaded once.
    """
    meta = {key: value for key, value in (content.get('meta') or {}).items() if key != CODE}
    name = SCHEME + (source if '://' in source else Path(source).as_posix())
    _contents[name] = {**content, 'meta': meta}
    return name


def _load(filename: str, map_location: Any = None) -> Dict[str, Any]:
    return _contents.pop(filename)


CheckpointLoader.register_scheme(SCHEME, _load)
