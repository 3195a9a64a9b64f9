"""What backbones are called: ``uniformer_small``, family and arch in lower case.

The configs' own short forms are aliases: ``uniformer_s`` in ``maskrcnn_uniformer_s_1x`` is
``uniformer_small``. A short form is a file of ``configs/_base_/backbones``; options that the file
sets come with the alias.
"""

from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from ..backbones import families
from ..config.load import load_config
from ..errors import ConfigError
from ..weights import PRETRAINED
from .configs import config_root


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

    @property
    def name(self) -> str:
        """The one name that is no alias."""
        return f'{self.family.lower()}_{self.arch}'


def resolve(name: str) -> BackboneName:
    """The backbone that a name or alias stands for.

    Raises:
        ConfigError: There is no such backbone; lists what there is. It is a ``ValueError``.
    """
    known = backbones_by_name()
    if name in known:
        return known[name]
    aliases = short_names()
    if name in aliases:
        options = short_config(name)
        options.pop('init_cfg', None)
        return BackboneName(options.pop('type').rpartition('.')[2], options.pop('arch'), options)
    close = get_close_matches(str(name), dict.fromkeys([*known, *aliases]), n=3)
    hint = f'close: {", ".join(close)}; ' if close else ''
    raise ConfigError(f'no backbone {name!r}; {hint}there are {", ".join(known)}')


def list_backbones(pattern: str = '*', pretrained: Optional[bool] = None) -> List[str]:
    """Names of backbones, for :func:`hybrid_backbones.create_backbone`.

    Args:
        pattern: With the wildcards ``*``, ``?`` and ``[...]`` of file names.
        pretrained: True: only backbones with a published file that can be fetched directly, as
            ``create_backbone(name, pretrained=True)`` does; False: only those without; None: all.

    Raises:
        ConfigError: ``pretrained`` has another value.

    Example:
        >>> import hybrid_backbones
        >>> hybrid_backbones.list_backbones('uniformer_*', pretrained=True)
        ['uniformer_base', 'uniformer_small']
        >>> len(hybrid_backbones.list_backbones())
        27
    """
    if pretrained not in (True, False, None):
        raise ConfigError(f'pretrained must be True, False or None, got {pretrained!r}')
    direct = {(file.family, file.arch) for file in PRETRAINED if file.direct}
    return [
        name
        for name, (family, arch, _) in sorted(backbones_by_name().items())
        if fnmatchcase(name, pattern)
        and (pretrained is None or ((family, arch) in direct) == pretrained)
    ]


def one_of_each_family() -> List[str]:
    """The name of each family's first arch."""
    return [f'{name.lower()}_{next(iter(cls.archs))}' for name, cls in families().items()]


def short_names() -> List[str]:
    """The aliases that configs use, such as ``uniformer_s``, sorted."""
    return sorted(path.stem for path in _folder().glob('*.py'))


def short_config(name: str) -> Dict[str, Any]:
    """The backbone's part of a config for an alias, with the ``init_cfg`` of its weights."""
    config: Dict[str, Any] = load_config(str(_folder() / f'{name}.py')).backbone.to_dict()
    return config


def backbones_by_name() -> Dict[str, BackboneName]:
    """All backbones by their one name, family by family, small ones first."""
    found = (
        BackboneName(family, arch, {}) for family, cls in families().items() for arch in cls.archs
    )
    return {each.name: each for each in found}


def _folder() -> Path:
    return config_root() / 'configs' / '_base_' / 'backbones'
