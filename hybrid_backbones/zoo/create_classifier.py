"""Building an ImageNet classifier by the name of its backbone."""

import os
from typing import Any, Union

from ..backbones import families
from ..classifiers import Classifier, build_classifier, load_classifier
from ..errors import ConfigError
from .configs import is_config
from .create import check_options, find_weights
from .names import resolve


def create_classifier(
    name: str,
    pretrained: Union[bool, str, 'os.PathLike[str]'] = False,
    num_classes: int = 1000,
    **options: Any,
) -> Classifier:
    """Build the network that the authors trained on ImageNet: a backbone and its classifier.

    Args:
        name: As :func:`hybrid_backbones.create_backbone` takes it, but no config.
        pretrained: As there. The file must hold the classifier, too.
        num_classes: Logits of each image. Where a file has another number of classes, the layers
            that have a row for each class keep their initial values, and the log says so.
        options: Other arguments of the backbone's class, such as ``drop_path_rate`` or
            ``in_channels``; not ``out_indices``, which its head decides.

    Returns:
        A module from images ``(N, 3, H, W)`` to logits ``(N, num_classes)``, of every size that the
        backbone takes; in training mode, as PyTorch builds modules. In that mode the networks that
        have two classifiers give a pair. ``backbone`` and ``head`` are its parts, and its state
        dict is a checkpoint for the backbone in a detector, too.

    Raises:
        ConfigError: See :func:`hybrid_backbones.create_backbone`.
        CheckpointError: See there; or the file has no classifier.

    Example:
        >>> import torch
        >>> from hybrid_backbones import create_classifier
        >>> classifier = create_classifier('uniformer_xxs', num_classes=10).eval()
        >>> classifier(torch.rand(2, 3, 100, 150)).shape
        torch.Size([2, 10])
    """
    if is_config(name):
        raise ConfigError(f'{name} is a config; create_classifier takes the name of a backbone')
    family, arch, implied = resolve(name)
    check_options(families()[family], options)
    arguments = {**implied, 'arch': arch, **options}
    source = find_weights(family, arguments['arch'], pretrained)
    classifier = build_classifier(family, arguments, num_classes)
    if source is not None:
        load_classifier(classifier, source)
    return classifier
