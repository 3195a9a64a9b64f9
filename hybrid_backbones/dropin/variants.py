"""Built-in backbones by name, with the arguments that the built-in configs give them."""

import copy
from dataclasses import dataclass, field
from functools import cache
from math import log
from typing import Any, Dict, Iterator, List, Optional, Tuple

import torch

from ..backbones import families
from ..config.load import load_config
from ..errors import ConfigError
from ..weights import published_files
from ..zoo.archs import arch_info
from ..zoo.configs import config_path, list_configs
from ..zoo.names import resolve, short_config, short_names

# which built-in config is asked for a backbone's arguments, by the library that it is put into
EXAMPLES = {
    'mmdet': ('maskrcnn_{}_1x', 'retinanet_{}_1x'),
    'mmseg': ('upernet_{}_160k_ade20k', 'semanticfpn_{}_80k_ade20k'),
    'mmpose': ('topdown_{}_210e_coco_256x192',),
}


@dataclass(frozen=True)
class Variant:
    """A built-in backbone.

    Args:
        name: As it was asked for, fit for a file's name.
        family: Class name.
        arch: Its arch.
        arguments: Further arguments, such as ``drop_path_rate``.
        init_cfg: Where its weights are; None if nothing is published.
        sync_bn: Whether the built-in configs share batch norms over all GPUs.
        note: Whose arguments they are, if no built-in config has this backbone for the task.
    """

    name: str
    family: str
    arch: str
    arguments: Dict[str, Any] = field(default_factory=dict)
    init_cfg: Optional[Dict[str, Any]] = None
    sync_bn: bool = False
    note: str = ''

    def backbone(self, out_indices: Tuple[int, ...]) -> Dict[str, Any]:
        """The dict of a config."""
        return dict(
            type=f'hybrid_backbones.{self.family}',
            arch=self.arch,
            out_indices=tuple(out_indices),
            **copy.deepcopy(self.arguments),
            init_cfg=copy.deepcopy(self.init_cfg),
        )


@cache
def find_variant(name: str, scope: str) -> Variant:
    """A backbone with the arguments that suit a library's task.

    Args:
        name: Such as ``uniformer_small``, or an alias as configs use it (``uniformer_s``).
        scope: ``'mmdet'``, ``'mmseg'`` or ``'mmpose'``.

    Raises:
        ConfigError: There is none of the name; lists what there is.
    """
    family, arch, options = resolve(name)
    known = {short: short_config(short) for short in short_names()}
    wanted = dict(type=f'hybrid_backbones.{family}', arch=arch)
    same = [short for short in known if wanted.items() <= known[short].items()]
    short = name if name in same else same[0] if same else ''
    init_cfg = known[short].get('init_cfg') if short else _published(family, arch)
    for candidate in _candidates(short, family, arch, known):
        found = _example(candidate, scope)
        if found:
            arguments, sync_bn = found
            arguments.update(options)
            if candidate not in same and not _accepts(family, arch, arguments):
                continue  # of another kind of backbone
            note = _borrowed(name, candidate, arguments) if candidate not in same else ''
            return Variant(name, family, arch, arguments, init_cfg, sync_bn, note)
    note = f'no built-in config for this task has a {family}: options are the defaults'
    return Variant(name, family, arch, options, init_cfg, note=note)


def _candidates(
    short: str, family: str, arch: str, known: Dict[str, Dict[str, Any]]
) -> Iterator[str]:
    """The backbone itself, then its siblings, whose sizes are counted only if they are asked."""
    if short:
        yield short
    yield from _siblings(family, arch, known)


def _accepts(family: str, arch: str, arguments: Dict[str, Any]) -> bool:
    try:
        with torch.device('meta'):
            families()[family](arch, **arguments)
    except ValueError:
        return False
    return True


def _siblings(family: str, arch: str, known: Dict[str, Dict[str, Any]]) -> List[str]:
    """Short names of the family's other archs, the nearest in size first."""
    kind = f'hybrid_backbones.{family}'
    size = log(arch_info(family, arch).params)
    distance = {
        short: abs(log(arch_info(family, cfg['arch']).params) - size)
        for short, cfg in known.items()
        if cfg['type'] == kind and cfg['arch'] != arch
    }
    return sorted(distance, key=lambda short: (distance[short], short))


def _borrowed(name: str, sibling: str, arguments: Dict[str, Any]) -> str:
    settings = ', '.join(f'{key}={value!r}' for key, value in arguments.items())
    return (
        f'no built-in config for this task has {name}: its options are those of {sibling}, the '
        f'nearest in size ({settings or "the defaults"})'
    )


def _example(short: str, scope: str) -> Optional[Tuple[Dict[str, Any], bool]]:
    """Arguments of a backbone in the built-in config for the task; None if there is no such."""
    there = list_configs()
    for example in (example.format(short) for example in EXAMPLES.get(scope, ())):
        if example not in there:
            continue
        try:
            cfg = load_config(config_path(example))
        except ConfigError:  # inherits from a library that is not installed
            continue
        arguments = cfg.model.backbone.to_dict()
        for key in ('type', 'arch', 'out_indices', 'init_cfg'):
            arguments.pop(key, None)
        return arguments, bool(cfg.get('sync_bn'))
    return None


def _published(family: str, arch: str) -> Optional[Dict[str, Any]]:
    files = published_files(family, arch)
    if not files:
        return None
    best = next((file for file in files if file.direct), files[0])
    return dict(
        type='Pretrained', checkpoint=best.url if best.direct else f'pretrained/{best.file}'
    )
