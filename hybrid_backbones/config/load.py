"""Reading a config, finding its datasets, and checking that their files are there."""

from pathlib import Path
from typing import Any, Dict, Optional

from mmengine.config import Config

from ..errors import ConfigError, one_line
from ..utils.packages import how_to_install
from .type_names import use_registered_names


def load_config(path: str) -> Config:
    """Read a config file.

    Raises:
        ConfigError: There is no such file, it inherits from a library that is not installed, or
            its code fails.
    """
    if not Path(path).is_file():
        raise ConfigError(f'no config file {path}')
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is code: anything can go wrong in it
        hint = isinstance(error, ImportError) and how_to_install(error)
        if hint:
            raise ConfigError(f'{path} needs {hint}') from None
        reason = f'{type(error).__name__}: {one_line(error)}'
        raise ConfigError(f'{path} cannot be read: {reason}') from None
    return plain_config(cfg)


def plain_config(cfg: Config) -> Config:
    """A config of plain values: classes by their names, and no dict in two places.

    `test_dataloader = val_dataloader` makes two names for one dict.
    """
    content = cfg.to_dict()
    use_registered_names(content)
    return Config(content, cfg_text=cfg.text, filename=cfg.filename)


def override(cfg: Config, options: Optional[Dict[str, Any]]) -> None:
    """Change settings in place, as in ``{'train_cfg.max_epochs': 3}``.

    Raises:
        ConfigError: A key leads through something that is no dict or list, or out of a list.
    """
    for key, value in (options or {}).items():
        try:
            cfg.merge_from_dict({key: value})
        except (KeyError, TypeError, IndexError, AssertionError, ValueError) as error:
            raise ConfigError(f'`cfg_options`: {key}={value}: {one_line(error)}') from None
