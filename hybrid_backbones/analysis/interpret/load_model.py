"""A detector, segmentor, pose estimator or classifier whose backbone is looked into."""

import contextlib
import logging
import warnings
from typing import Any, Iterator, Optional, Tuple

import torch
from mmengine.logging import MMLogger

from ...openmmlab.build import build_model
from ...openmmlab.library import library_of
from ...openmmlab.published import apply_settings, load_into
from ...weights import read_model
from ...zoo.configs import read_config
from ...zoo.create import find_backbone
from .cam_targets import OF_MODELS, TargetOf


def load_whole(name: str, weights: Optional[str]) -> Tuple[Any, TargetOf]:
    """Build a config's model in eval mode, with its checkpoint or the same random weights always.

    Args:
        name: Name or path of the config.
        weights: Checkpoint of the whole model, or None.

    Returns:
        The model, and what makes its target of it and a class.

    Raises:
        ConfigError: The config cannot be built, or the checkpoint is not of it.
        CheckpointError: The checkpoint cannot be read.
        ImportError: The library that the config is for is not installed.
    """
    find_backbone(name)  # refuses what has no built-in backbone
    cfg = read_config(name)
    target = OF_MODELS[library_of(cfg, name)]
    cfg.model.backbone.update(init_cfg=None, with_cp=False)
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
    return model.eval(), target


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
