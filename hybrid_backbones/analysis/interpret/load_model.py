"""A detector, segmentor or pose estimator whose backbone is looked into."""

import contextlib
import logging
import warnings
from typing import Iterator, Optional, Tuple, Type

import torch
from mmengine.logging import MMLogger
from torch import nn

from ...errors import ConfigError
from ...openmmlab.build import build_in_scope
from ...openmmlab.torchvision import repair_torchvision
from ...weights import read_checkpoint
from ...zoo.configs import read_config
from ...zoo.create import find_backbone
from .cam_targets import OF_MODELS, Target


def load_whole(name: str, weights: Optional[str]) -> Tuple[nn.Module, Type[Target]]:
    """Build a config's model in eval mode, with its checkpoint or the same random weights always.

    Args:
        name: Name or path of the config.
        weights: Checkpoint of the whole model, or None.

    Returns:
        The model, and the kind of target that it has.

    Raises:
        ConfigError: The config cannot be built, or the checkpoint is not of it.
        CheckpointError: The checkpoint cannot be read.
    """
    find_backbone(name)  # refuses what is none of ours
    repair_torchvision()
    cfg = read_config(name)
    scope = cfg.get('default_scope')
    if scope not in OF_MODELS:
        raise ConfigError(f'{name}: default_scope must be one of {", ".join(OF_MODELS)}')
    cfg.model.backbone.update(init_cfg=None, with_cp=False)
    torch.manual_seed(0)
    try:
        with warnings.catch_warnings():  # the libraries' about their own parts
            warnings.simplefilter('ignore')
            model = build_in_scope(scope, cfg.model)
    except ImportError as error:
        reason = ' '.join(str(error).split())
        raise ConfigError(f'{name} needs a package that is not installed: {reason}') from None
    if weights is None:
        with _silence():
            model.init_weights()
    else:
        _load(model, weights)
    return model.eval(), OF_MODELS[scope]


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


def _load(model: nn.Module, weights: str) -> None:
    checkpoint = read_checkpoint(weights)
    state = {name.removeprefix('module.'): value for name, value in checkpoint.state.items()}
    expected = model.state_dict()
    wrong = [k for k, v in expected.items() if getattr(state.get(k), 'shape', 0) != v.shape]
    if wrong:
        raise ConfigError(
            f'{checkpoint.name} is no checkpoint of this config: {len(wrong)} of {len(expected)} '
            f'tensors are missing or of another shape, the first is {wrong[0]}'
        )
    model.load_state_dict(state, strict=False)
