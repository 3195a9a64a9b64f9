"""Conformer's class token and patches, and the classifiers that it is published with."""

from typing import Any, Dict, List, Optional, Tuple

import torch.nn.functional as F
from torch import Tensor

from ....backbones.conformer import Conformer
from ....errors import ConfigError
from ....weights import read_checkpoint
from ..attention_layouts import CLASS, Layout, Place, attention_layout, whole_maps
from ..cam_targets import Target, published_logit

HEAD_NORM_EPS = 1e-5  # of the published classifier's LayerNorm


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
        self.heads = [
            _leaves(checkpoint.state, name, checkpoint.name)
            for name in ('conv_cls_head', 'trans_norm', 'trans_cls_head')
        ]

    def __call__(self, image: Tensor) -> Tensor:
        """The logit."""
        seen: List[Tensor] = []
        stage: Any = self.backbone.stages[3]
        last = stage.blocks[-1]
        hook = last.register_forward_hook(lambda module, args, output: seen.extend(output))
        try:
            self.backbone(image)
        finally:
            hook.remove()
        conv, norm, trans = self.heads
        token = F.layer_norm(seen[1][:, 0], norm[0].shape, *norm, eps=HEAD_NORM_EPS)
        logits = F.linear(seen[0].mean((2, 3)), *conv) + F.linear(token, *trans)
        return logits[0, self.choose(logits[0])]


def _leaves(state: Dict[str, Tensor], name: str, file: str) -> Tuple[Tensor, Tensor]:
    found: List[Tensor] = []
    for leaf in ('weight', 'bias'):
        keys = [key for key in state if f'.{key}'.endswith(f'.{name}.{leaf}')]
        if not keys:
            raise ConfigError(f'`label`: {file} has no classifier ({name}.{leaf})')
        found.append(state[keys[0]].float())
    weight, bias = found
    return weight, bias
