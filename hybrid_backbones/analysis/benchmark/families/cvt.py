"""Hugging Face's Transformers has CvT too."""

from functools import partial
from importlib import import_module
from typing import Any, List

from torch import Tensor, nn


class HiddenStates(nn.Module):
    """A model of Transformers that returns its levels."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        """The levels, from fine to coarse."""
        return self.model(x, output_hidden_states=True).hidden_states


def _transformers(depth: List[int]) -> nn.Module:
    transformers = import_module('transformers')
    if not hasattr(transformers, 'CvtModel'):
        raise ImportError('this version of transformers has no CvT')
    return HiddenStates(transformers.CvtModel(transformers.CvtConfig(depth=depth)))


PEERS = {
    'transformers:cvt-13': partial(_transformers, [1, 2, 10]),
    'transformers:cvt-21': partial(_transformers, [1, 4, 16]),
}
