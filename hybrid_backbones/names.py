"""What a backbone is called on a command line."""

from difflib import get_close_matches
from typing import Any, Dict, List, NamedTuple

from . import backbones
from .archs import FAMILIES
from .engine.settings import SettingsError, load_config
from .zoo import config_root


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
        SettingsError: There is no such backbone; lists what there is. It is a ``ValueError``.
    """
    family, colon, arch = name.partition(':')
    if colon:
        return BackboneName(family, _known_arch(family, arch, name), {})
    known = variants()
    if name not in known:
        close = get_close_matches(name, known, n=3)
        hint = f'close: {", ".join(close)}; ' if close else ''
        raise SettingsError(
            f'no backbone {name!r}; {hint}there is {", ".join(short_names())}, or FAMILY:ARCH '
            'such as UniFormer:small'
        )
    rest = {key: value for key, value in known[name].items() if key != 'init_cfg'}
    return BackboneName(rest.pop('type').split('.')[1], rest.pop('arch'), rest)


def variants() -> Dict[str, Dict[str, Any]]:
    """The backbone's part of a config for every name without a colon.

    Those of ``configs/_base_/backbones`` come with their ``init_cfg``, the published weights.
    """
    found = {
        f'{family.lower()}_{arch}': dict(type=f'hybrid_backbones.{family}', arch=arch)
        for family in FAMILIES
        for arch in getattr(backbones, family).archs
    }
    for name in short_names():
        path = config_root() / 'configs' / '_base_' / 'backbones' / f'{name}.py'
        found[name] = load_config(str(path)).backbone.to_dict()
    return found


def short_names() -> List[str]:
    """The names that our configs use, such as ``uniformer_s``, sorted."""
    folder = config_root() / 'configs' / '_base_' / 'backbones'
    return sorted(path.stem for path in folder.glob('*.py'))


def _known_arch(family: str, arch: str, name: str) -> str:
    if family not in FAMILIES:
        raise SettingsError(f'no backbone {name!r}; the families are {", ".join(FAMILIES)}')
    known = getattr(backbones, family).archs
    if arch not in known:
        raise SettingsError(f'{family} has no arch {arch!r}; it has {", ".join(known)}')
    return arch
