"""What backbones and configs are called on a command line."""

from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, Dict, List, NamedTuple

from mmengine.config import Config
from mmengine.hub import get_config

from .. import backbones
from ..config.load import load_config
from ..errors import ConfigError
from .archs import FAMILIES
from .configs import config_path, config_root, list_configs


class BackboneName(NamedTuple):
    """What a name stands for.

    Args:
        family: Class name, as in ``type='hybrid_backbones.<family>'``.
        arch: One of the family's ``archs``.
        options: Other arguments of the constructor that the name implies, without ``init_cfg``.
    """

    family: str
    arch: str
    options: Dict[str, Any]


def resolve(name: str) -> BackboneName:
    """The backbone that a name stands for.

    Args:
        name: As the configs have it (``uniformer_s``), ``FAMILY:ARCH`` (``UniFormer:small``), or
            both in small letters (``uniformer_small``).

    Raises:
        ConfigError: There is no such backbone; lists what there is. It is a ``ValueError``.
    """
    family, colon, arch = name.partition(':')
    if colon:
        return BackboneName(family, _known_arch(family, arch, name), {})
    if name in short_names():
        rest = _of_configs(name)
        rest.pop('init_cfg', None)
    elif name in _archs():
        rest = _archs()[name]
    else:
        close = get_close_matches(name, names(), n=3)
        hint = f'close: {", ".join(close)}; ' if close else ''
        raise ConfigError(
            f'no backbone {name!r}; {hint}there is {", ".join(short_names())}, or FAMILY:ARCH '
            'such as UniFormer:small'
        )
    return BackboneName(rest.pop('type').split('.')[1], rest.pop('arch'), rest)


def variants() -> Dict[str, Dict[str, Any]]:
    """The backbone's part of a config for every name without a colon.

    Those of ``configs/_base_/backbones`` come with their ``init_cfg``, the published weights.
    """
    return {**_archs(), **{name: _of_configs(name) for name in short_names()}}


def _archs() -> Dict[str, Dict[str, Any]]:
    return {
        f'{family.lower()}_{arch}': dict(type=f'hybrid_backbones.{family}', arch=arch)
        for family in FAMILIES
        for arch in getattr(backbones, family).archs
    }


def _of_configs(name: str) -> Dict[str, Any]:
    path = config_root() / 'configs' / '_base_' / 'backbones' / f'{name}.py'
    return load_config(str(path)).backbone.to_dict()


def short_names() -> List[str]:
    """The names that our configs use, such as ``uniformer_s``, sorted."""
    folder = config_root() / 'configs' / '_base_' / 'backbones'
    return sorted(path.stem for path in folder.glob('*.py'))


def names() -> List[str]:
    """All names without a colon: ``uniformer_s``, ``uniformer_small``."""
    return sorted({*short_names(), *_archs()})


def is_config(name: str) -> bool:
    """Whether a name is that of a config, rather than of a backbone."""
    return name.endswith('.py') or '::' in name or name in list_configs()


def read_config(name: str) -> Config:
    """Read the config that a name stands for.

    Args:
        name: Path of a file; a config of ours (``maskrcnn_uniformer_s_1x``); or one that comes
            with a library (``mmdet::retinanet/retinanet_r50_fpn_1x_coco.py``).

    Raises:
        ConfigError: There is no such config, or it cannot be read.
    """
    if '::' in name:
        return _config_of_library(name)
    if name.endswith('.py'):
        return load_config(name)
    try:
        path = config_path(name)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return load_config(path)


def _config_of_library(name: str) -> Config:
    library = name.partition('::')[0]
    if not library.isidentifier() or find_spec(library) is None:  # mmengine would install it
        raise ConfigError(f'{name} needs {library or "a library"!r}, which is not installed')
    try:
        cfg = get_config(name if name.endswith('.py') else f'{name}.py')
    except Exception as error:  # a config is code: anything can go wrong in it
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise ConfigError(f'{name} cannot be read: {reason}') from None
    return Config(cfg._cfg_dict.to_dict(), cfg_text=cfg.text, filename=cfg.filename)


def _known_arch(family: str, arch: str, name: str) -> str:
    if family not in FAMILIES:
        raise ConfigError(f'no backbone {name!r}; the families are {", ".join(FAMILIES)}')
    known = getattr(backbones, family).archs
    if arch not in known:
        raise ConfigError(f'{family} has no arch {arch!r}; it has {", ".join(known)}')
    return arch
