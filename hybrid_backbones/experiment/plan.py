"""Planning a study: configs by name or pattern, variants, published models."""

import glob
from fnmatch import fnmatchcase
from typing import Any, List, Sequence

from ..config.load import override
from ..errors import ConfigError
from ..zoo.configs import list_configs, read_config
from ..zoo.model_files import list_model_files
from .published import library_configs
from .study import PUBLISHED, Entry, Study, complete
from .variants import Grid, grid

WILD = '*?['


def plan(
    patterns: Sequence[str],
    *,
    name: str,
    settings: Grid = (),
    published: Sequence[str] = (),
    **others: Any,
) -> Study:
    """A study of some configs.

    Args:
        patterns: Names of built-in configs, files, or ``mmdet::...``; with the wildcards of file
            names.
        name: Of the study.
        settings: Keys with the values to try: every config is there with each combination.
        published: Patterns of built-in configs whose published files are to be tested.
        others: Further arguments of :class:`~hybrid_backbones.experiment.study.Study`.

    Raises:
        ConfigError: A pattern stands for nothing, a config or a setting cannot be used, or two
            rows would have one name.
    """
    configs = list(dict.fromkeys(each for pattern in patterns for each in find_configs(pattern)))
    entries = [Entry(config, set=variant) for config in configs for variant in grid(settings)]
    entries += [
        Entry(config, checkpoint=PUBLISHED)
        for pattern in published
        for config in dict.fromkeys(file.config for file in _files(pattern))
    ]
    if not entries:
        raise ConfigError('name configs to train, or published models to test')
    study = complete(Study(entries, name=name, **others), name)
    for entry in study.configs:
        override(read_config(entry.config), {**study.options, **entry.set})
    return study


def find_configs(pattern: str) -> List[str]:
    """The configs that a name or pattern stands for.

    Raises:
        ConfigError: There are none.
    """
    if not any(letter in pattern for letter in WILD):
        return [pattern]  # whoever reads it says what is wrong
    if '::' in pattern:
        library, _, below = pattern.partition('::')
        root = library_configs(library)
        found = [f'{library}::{path.relative_to(root).as_posix()}' for path in root.glob(below)]
    elif pattern.endswith('.py'):
        found = glob.glob(pattern)
    else:
        found = [name for name in list_configs() if fnmatchcase(name, pattern)]
    if not found:
        raise ConfigError(f'no config is called like {pattern!r}')
    return sorted(found)


def _files(pattern: str) -> List[Any]:
    found = list_model_files(pattern)
    if not found:
        raise ConfigError(f'no model is published for a config like {pattern!r}')
    return found
