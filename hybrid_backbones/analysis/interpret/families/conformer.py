"""Conformer's class token and patches, and the classifiers that it is published with."""

from typing import Optional

from torch import Tensor

from ....backbones.conformer import Conformer
from ....classifiers import head_from
from ....errors import CheckpointError, ConfigError
from ....weights import read_checkpoint
from ..attention_layouts import CLASS, Layout, Place, attention_layout, whole_maps
from ..cam_targets import Target, published_logit


@attention_layout('Conformer')
def _conformer(place: Place) -> Layout:
    patch = place.backbone.arch.patch
    return whole_maps(place.size(patch), patch, tokens=(CLASS,))


@published_logit('Conformer')
class PublishedLogit(Target):
    """The logit of an ImageNet class: the sum of both classifiers that are published.

    The network's prediction is that sum.

    Args:
        backbone: With the file's weights, up to its last level.
        weights: The file.
        label: As in :class:`Target`.

    Raises:
        ConfigError: The file has no classifier, or the backbone stops before its last level.
    """

    what = 'logit'

    def __init__(self, backbone: Conformer, weights: Optional[str], label: Optional[int] = None):
        super().__init__(label)
        if weights is None:
            raise ConfigError('`label` is for a config, or for `weights` that hold a classifier')
        if backbone.num_stages < 4:
            raise ConfigError('`label` needs a backbone with its last level, out_indices up to 3')
        checkpoint = read_checkpoint(weights)
        self.backbone = backbone
        try:
            self.head = head_from(checkpoint, backbone)
        except CheckpointError as error:
            raise ConfigError(f'`label`: {error}') from None

    def __call__(self, image: Tensor) -> Tensor:
        """The logit."""
        levels, token = self.backbone.forward_with_token(image)
        logits = self.head(levels, token)
        return logits[0, self.choose(logits[0])]
