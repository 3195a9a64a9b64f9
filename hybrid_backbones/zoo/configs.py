"""The configs that come with the package, by name.

Importing this module also tells mmengine where they are, so that
``DetInferencer.list_models('hybrid_backbones')`` and bases named ``hybrid_backbones::_base_/...``
are found. The package's own ``__init__`` does not: mmengine has no cheap place to leave it, and
importing mmengine there would make every import of the package slow.

mmengine reads a name ``package::...`` only with a folder in it, and the configs lie in none. To
inherit from one, name its path::

    _base_ = [__import__('hybrid_backbones').config_path('maskrcnn_uniformer_s_1x')]
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, List

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.fileio import load

from ..config.load import load_config

MODULE2PACKAGE.setdefault('hybrid_backbones', 'hybrid_backbones')


def config_root() -> Path:
    """The folder that holds ``configs`` and ``model-index.yml``.

    An installed package has its own copy; in a checkout, or installed from one with ``pip install
    -e``, it is the checkout.

    Raises:
        FileNotFoundError: There is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (package / '.mim', package.parent):
        if (root / 'model-index.yml').is_file() and (root / 'configs').is_dir():
            return root
    raise FileNotFoundError(f'no configs in {package}: it was copied, not installed with pip')


def list_configs() -> List[str]:
    """The names of all configs, sorted."""
    return sorted(path.stem for path in (config_root() / 'configs').glob('*.py'))


def config_path(name: str) -> str:
    """The file of a config, for tools and inferencers that take a path.

    Args:
        name: As in the model zoo, with or without ``.py``.

    Raises:
        ValueError: There is no such config; names the most similar ones.
    """
    name = name[:-3] if name.endswith('.py') else name
    names = list_configs()
    if name not in names:
        close = get_close_matches(name, names, n=3)
        hint = f'close: {", ".join(close)}' if close else 'list_configs() has all names'
        raise ValueError(f'no config {name!r}; {hint}')
    return str(config_root() / 'configs' / f'{name}.py')


def get_config(name: str) -> Config:
    """Read a config, with all it inherits.

    Args:
        name: As in the model zoo, with or without ``.py``.

    Raises:
        ValueError: There is no such config, or it inherits from a library that is not installed.
    """
    return load_config(config_path(name))


def list_models() -> List[Dict[str, Any]]:
    """What the metafiles say about every config, family by family."""
    root = config_root()
    metafiles = (load(str(root / path)) for path in load(str(root / 'model-index.yml'))['Import'])
    return [model for metafile in metafiles for model in metafile['Models']]
