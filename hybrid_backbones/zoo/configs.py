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
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.fileio import load
from mmengine.hub import get_config as get_library_config

from ..config.load import load_config, plain_config
from ..errors import ConfigError, as_config_error
from ..openmmlab.library import prepare_libraries
from ..utils.packages import LIBRARIES, how_to_install

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
    """The names of all configs, sorted.

    Example:
        >>> import hybrid_backbones
        >>> 'maskrcnn_uniformer_s_1x' in hybrid_backbones.list_configs()
        True
    """
    return sorted(path.stem for path in (config_root() / 'configs').glob('*.py'))


def config_path(name: str) -> str:
    """The file of a config, for tools and inferencers that take a path.

    Args:
        name: As in the model zoo, with or without ``.py``.

    Raises:
        ConfigError: There is no such config; names the most similar ones. It is a ``ValueError``.

    Example:
        >>> import hybrid_backbones
        >>> hybrid_backbones.config_path('maskrcnn_uniformer_s_1x')
        '...maskrcnn_uniformer_s_1x.py'
    """
    name = name[:-3] if name.endswith('.py') else name
    names = list_configs()
    if name not in names:
        close = get_close_matches(name, names, n=3)
        hint = f'close: {", ".join(close)}' if close else 'list_configs() has all names'
        raise ConfigError(f'no config {name!r}; {hint}')
    return str(config_root() / 'configs' / f'{name}.py')


def get_config(name: str) -> Config:
    """Read a config, with all it inherits.

    Args:
        name: As in the model zoo, with or without ``.py``.

    Raises:
        ConfigError: There is no such config, or it inherits from a library that is not installed.
            It is a ``ValueError``.

    Example:
        >>> import hybrid_backbones
        >>> hybrid_backbones.get_config('maskrcnn_uniformer_s_1x').model.backbone.arch
        'small'
    """
    prepare_libraries()  # whoever builds what the config says will import them
    return load_config(config_path(name))


def is_config(name: str) -> bool:
    """Whether a name is that of a config, rather than of a backbone."""
    return name.endswith('.py') or '::' in name or name in list_configs()


def read_config(name: str) -> Config:
    """Read the config that a name stands for.

    Args:
        name: Path of a file; a config of this package (``maskrcnn_uniformer_s_1x``); or one that
            comes with a library (``mmdet::retinanet/retinanet_r50_fpn_1x_coco.py``).

    Raises:
        ConfigError: There is no such config, or it cannot be read.
    """
    prepare_libraries()
    if '::' in name:
        return _read_library_config(name)
    return load_config(name if name.endswith('.py') else config_path(name))


def _read_library_config(name: str) -> Config:
    library = name.partition('::')[0]
    if not library.isidentifier() or find_spec(library) is None:  # mmengine would install it
        if library in LIBRARIES:  # no command for a package that anybody may have uploaded
            raise ConfigError(f'{name} needs {how_to_install(ModuleNotFoundError(name=library))}')
        raise ConfigError(f'{name} needs {library or "a library"!r}, which is not installed')
    with as_config_error(f'{name} cannot be read'):  # a config is code: anything can go wrong
        cfg = get_library_config(name if name.endswith('.py') else f'{name}.py')
    return plain_config(cfg)


def list_models() -> List[Dict[str, Any]]:
    """What the metafiles say about every config, family by family."""
    root = config_root()
    metafiles = (load(str(root / path)) for path in load(str(root / 'model-index.yml'))['Import'])
    return [model for metafile in metafiles for model in metafile['Models']]
