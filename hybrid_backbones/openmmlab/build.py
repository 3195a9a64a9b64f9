"""Building a model with the library that its config is for."""

import warnings
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, MODELS
from torch import nn

from ..errors import ConfigError, as_config_error
from .library import import_library, in_scope, library_of


def build_in_scope(library: str, cfg: ConfigDict) -> nn.Module:
    """Build a model, or a part of one, leaving the default scope of the process as it is.

    Args:
        library: One of ``LIBRARIES``.
        cfg: What is built.

    Raises:
        ImportError: The library is not installed.
    """
    with in_scope(library):
        return MODELS.build(cfg)


def build_model(cfg: Config, name: str = '') -> nn.Module:
    """Build the model of a config.

    Args:
        cfg: Of one of ``LIBRARIES``.
        name: Of the config, for messages.

    Raises:
        ConfigError: The config has no model, or is for another library.
        ImportError: The library is not installed.
    """
    library = library_of(cfg, name)
    if not cfg.get('model'):
        raise ConfigError(f'{name or "the config"} has no model')
    return build_in_scope(library, cfg.model)


def build_listing(library: str, dataset: ConfigDict) -> Any:
    """Build a dataset that lists its images in ``data_list`` and loads none.

    Args:
        library: One of ``LIBRARIES``.
        dataset: The innermost one, of a dataloader's config.

    Raises:
        ImportError: The library is not installed.
    """
    given = dict(dataset.to_dict(), lazy_init=False, serialize_data=False, pipeline=[])
    with in_scope(library):
        return DATASETS.build(given)


def build_on_meta(cfg: Config, name: str) -> nn.Module:
    """The model of a config in eval mode, with shapes but without numbers.

    Args:
        cfg: Of one of ``LIBRARIES``.
        name: Of the config, for messages.

    Raises:
        ConfigError: As of :func:`build_model`, or the model cannot be built.
        ImportError: The library is not installed.
    """
    import_library(library_of(cfg, name))
    what = f'the model of {name} cannot be built'
    with as_config_error(what), torch.device('meta'), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the libraries' to those who write configs
        model = build_model(cfg, name)
        model.eval()  # which returns nothing for some of their models
    return model
