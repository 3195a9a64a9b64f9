"""Reading the config that a backbone is put into, and how to inherit from it."""

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Optional, Tuple

from mmengine.config import Config, ConfigDict
from mmengine.utils import import_modules_from_strings

from ..errors import ConfigError, as_config_error, one_line
from ..openmmlab.library import LIBRARIES, library_of, prepare_libraries
from ..utils.packages import how_to_install


@dataclass(frozen=True)
class Source:
    """An existing config.

    Args:
        name: How messages call it: as it was given.
        path: Its file.
        cfg: What it says.
        scope: Its library: ``'mmdet'``, ``'mmseg'`` or ``'mmpose'``.
        library_name: ``mmdet::folder/name.py`` if it is one that a library ships, else None.
        missing: What its ``custom_imports`` could not import; empty if nothing.
    """

    name: str
    path: Path
    cfg: Config
    scope: str
    library_name: Optional[str]
    missing: str

    def base_from(self, folder: Path) -> str:
        """What ``_base_`` of a config in ``folder`` must say to inherit from this one."""
        if self.library_name:
            return self.library_name
        return Path(os.path.relpath(self.path, folder)).as_posix()

    def value(self, *path: Any) -> Any:
        """What stands in the config under keys and list indices; None where there is nothing."""
        node: Any = self.cfg
        for key in path:
            if isinstance(key, int) or isinstance(node, (Config, dict)):
                node = node[key] if isinstance(key, int) else node.get(key)
            else:
                return None
        return node


def read_source(name: str) -> Source:
    """Read a config.

    Args:
        name: A path, or ``mmdet::folder/name.py`` as in mmengine, with or without ``.py``.

    Raises:
        ConfigError: There is no such config, its code fails, it is of another library, or it is
            of the new style, whose files mmengine cannot mix with those of the old.
    """
    path, library_name = _locate(name)
    text = path.read_text(encoding='utf-8', errors='replace')
    new_style = re.search(r'^with read_base\(\)', text, re.MULTILINE)
    if not new_style:
        with as_config_error(f'{name} cannot be read'):  # a config is code: anything can go wrong
            cfg = Config.fromfile(str(path), import_custom_modules=False)
    if new_style or getattr(cfg, '_imported_names', None):
        raise ConfigError(
            f'{name} is a config of the new style (read_base, or classes for `type`), which _base_ '
            'cannot take; name the old-style file, such as '
            'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
        )
    if not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'{name} has no model: it must be the config of an experiment')
    library = library_of(cfg, name)
    if library == 'mmpretrain':
        raise ConfigError(
            f'{name} is for a classifier, and drop-in changes detectors, segmentors and pose '
            'estimators; classifiers have configs of their own, named classifier_...'
        )
    return Source(name, path, cfg, library, library_name, _import_custom(cfg))


def library_configs(library: str) -> Path:
    """The folder of the configs that a library ships.

    Raises:
        ConfigError: The library is not installed, or without its configs.
    """
    spec = find_spec(library)
    folder = Path(spec.origin).parent / '.mim' / 'configs' if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        hint = how_to_install(ModuleNotFoundError(name=library))
        raise ConfigError(f'no configs of {library}: {hint or "install it from its wheel"}')
    return folder


def _locate(name: str) -> Tuple[Path, Optional[str]]:
    library, colons, inside = name.partition('::')
    if not colons:
        path = Path(name)
        if not path.is_file():
            raise ConfigError(f'no config file {name}')
        return path.resolve(), _shipped(path.resolve())
    if library not in LIBRARIES:
        raise ConfigError(f'{name}: {library!r} is none of {", ".join(LIBRARIES)}')
    folder = library_configs(library)
    inside = inside if inside.endswith('.py') else f'{inside}.py'
    path = folder / inside
    if not path.is_file():
        there = [p.relative_to(folder).as_posix() for p in folder.rglob('*.py')]
        stems = {Path(p).stem: p for p in there}
        close = get_close_matches(inside, there, n=2) or [
            stems[stem] for stem in get_close_matches(Path(inside).stem, stems, n=2)
        ]
        hint = f'; close: {", ".join(f"{library}::{c}" for c in close)}' if close else ''
        raise ConfigError(f'no config {name}{hint}')
    return path, f'{library}::{inside}'


def _shipped(path: Path) -> Optional[str]:
    """The library's name of a file that lies among its installed configs."""
    for library in LIBRARIES:
        try:
            folder = library_configs(library).resolve()
        except ConfigError:
            continue
        if folder in path.parents:
            return f'{library}::{path.relative_to(folder).as_posix()}'
    return None


def _import_custom(cfg: Config) -> str:
    """Import what the config asks for; a backbone's package may be missing and not be needed."""
    wanted = cfg.get('custom_imports')
    if not wanted:
        return ''
    wanted = wanted.to_dict() if isinstance(wanted, ConfigDict) else wanted
    prepare_libraries()  # MMPretrain imports it, as the three libraries do
    try:
        import_modules_from_strings(**wanted)
    except Exception as error:  # their code
        return one_line(error)
    return ''
