"""Checkpoints of whole models, put into the models of configs.

A file of a classifier serves a backbone, too: that its head is needed is told by the model.
"""

from dataclasses import replace
from typing import List

import torch
from mmengine.config import Config
from torch import nn

from ..classifiers import COUNTER, ImageClassifier, find_classifier
from ..config.load import override
from ..weights import Checkpoint, PublishedModel
from .check_fit import check_fit


def apply_settings(cfg: Config, model: PublishedModel) -> List[str]:
    """Set in a config what belongs to a file, before the config's model is built.

    Args:
        cfg: Changed in place.
        model: As read from the file.

    Returns:
        A line for each setting that had another value: what it is now, and why.
    """
    notes = []
    for key, (value, reason) in model.settings.items():
        before = cfg
        for part in key.split('.'):
            before = (before or {}).get(part)
        if before != value:
            override(cfg, {key: value})
            notes.append(f'{key}={value} for {model.checkpoint.name}: {reason}')
    return notes


def named_for(model: nn.Module, published: PublishedModel) -> PublishedModel:
    """A file of a classifier under the names of a model that is one; any other file as it is.

    Args:
        model: On any device, the meta device too.
        published: As read from the file.

    Raises:
        CheckpointError: The model is a classifier, and the file has none, or another.
    """
    state = published.checkpoint.state
    if not isinstance(model, ImageClassifier) or model.state_dict().keys() <= state.keys():
        return published
    found = find_classifier(published.checkpoint, model.backbone, model.head)
    counters = {name: torch.tensor(0) for name in found.missing_keys if name.endswith(COUNTER)}
    checkpoint = Checkpoint(
        {**found.state, **counters}, published.checkpoint.meta, published.checkpoint.name
    )
    return replace(published, checkpoint=checkpoint, source=found.key_mapping.source)


def load_into(model: nn.Module, published: PublishedModel) -> str:
    """Load a checkpoint into the model of its config.

    Args:
        model: Built from the config, after :func:`apply_settings`.
        published: As read from the file.

    Returns:
        A line for the log.

    Raises:
        ConfigError: A tensor of the model is missing in the file, or of another shape there;
            nothing has been loaded.
        CheckpointError: See :func:`named_for`.
    """
    published = named_for(model, published)
    checkpoint = published.checkpoint
    check_fit(model, checkpoint.state, checkpoint.name)
    expected = model.state_dict()
    model.load_state_dict({k: v for k, v in checkpoint.state.items() if k in expected})
    return report(published, len(expected))


def report(published: PublishedModel, loaded: int) -> str:
    """A line about a checkpoint of which ``loaded`` tensors are used."""
    checkpoint = published.checkpoint
    whose = {'': 'our', 'authors': "the authors'"}
    names = whose.get(published.source) or f"{published.source}'s"
    surplus = len(checkpoint.state) - loaded
    return f'{checkpoint.name}: {loaded} tensors of the model, by {names} names' + (
        f'; {surplus} more are not needed' if surplus > 0 else ''
    )
