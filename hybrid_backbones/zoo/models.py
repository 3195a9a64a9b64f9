"""Building the whole model of a config, ready to be looked at."""

import contextlib
import logging
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Optional

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from ..openmmlab.build import build_model
from ..openmmlab.library import library_of
from ..openmmlab.published import apply_settings, load_into
from ..weights import read_model
from .configs import read_config
from .create import RANDOM, find_backbone


class LoadedModel(NamedTuple):
    """A detector, segmentor, pose estimator or classifier.

    Args:
        model: In eval mode.
        cfg: That it was built from.
        library: That it is of.
        weights: Name of the file, or ``RANDOM``.
    """

    model: Any
    cfg: Config
    library: str
    weights: str


def load_model(
    name: str, weights: Optional[str] = None, options: Optional[Dict[str, Any]] = None
) -> LoadedModel:
    """Build a config's model in eval mode, with its checkpoint or the same random weights always.

    Args:
        name: Name or path of the config.
        weights: Checkpoint of the whole model, or None.
        options: Arguments of its backbone to change.

    Raises:
        ConfigError: The config cannot be built, its backbone is another package's, or the
            checkpoint is not of it.
        CheckpointError: The checkpoint cannot be read.
        ImportError: The library that the config is for is not installed.
    """
    find_backbone(name)  # refuses what has no built-in backbone
    cfg = read_config(name)
    library = library_of(cfg, name)
    cfg.model.backbone.update(init_cfg=None, with_cp=False, **(options or {}))
    published = read_model(weights) if weights else None
    if published:
        apply_settings(cfg, published)
    torch.manual_seed(0)
    with warnings.catch_warnings():  # the libraries' about their own parts
        warnings.simplefilter('ignore')
        model: Any = build_model(cfg, name)
    if published is None:
        with _silence():
            model.init_weights()
    else:
        load_into(model, published)
    model.eval()  # which returns nothing for some of their models
    return LoadedModel(model, cfg, library, Path(weights).name if weights else RANDOM)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """mmengine writes three lines for each parameter whose initial value it draws."""
    logger = MMLogger.get_current_instance()
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
