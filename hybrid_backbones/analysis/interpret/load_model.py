"""A detector, segmentor, pose estimator or classifier whose backbone is looked into."""

from typing import Any, Optional, Tuple

from ...zoo.models import load_model
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
    loaded = load_model(name, weights)
    return loaded.model, OF_MODELS[loaded.library]
