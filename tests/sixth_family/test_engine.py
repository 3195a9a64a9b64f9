"""Layer decay and FSDP know its layers and blocks."""

import pytest
import torch
from torch import nn

from hybrid_backbones import create_backbone
from hybrid_backbones.engine.fsdp import wrap_blocks
from hybrid_backbones.engine.layer_decay import NEW, layer_rates

pytestmark = pytest.mark.usefixtures('tiny_hybrid')

DISTANCES = {  # layers from the head, which is 0
    'stem.0.conv.weight': 6,
    'stages.0.blocks.0.dwconv.weight': 5,
    'stages.1.downsample.conv.weight': 4,
    'stages.1.blocks.0.scale.gamma': 4,
    'stages.2.blocks.0.position.weight': 3,
    'stages.2.blocks.1.attn.qkv.weight': 2,
    'stages.3.blocks.0.mlp.fc1.weight': 1,
    'out_norms.3.weight': 0,
}


class Model(nn.Module):
    """A backbone where models have it, and a head."""

    def __init__(self):
        super().__init__()
        self.backbone = create_backbone('tinyhybrid_nano')
        self.head = nn.Conv2d(32, 2, 1)


def test_layer_decay():
    rates = layer_rates(Model(), 0.5)
    found = {name: rates[f'backbone.{name}'].scale for name in DISTANCES}
    assert found == {name: 0.5**distance for name, distance in DISTANCES.items()}
    assert rates['backbone.out_norms.3.weight'].layer == rates['head.weight'].layer == NEW


def test_fsdp_wraps_its_blocks():
    """By torch's own walk through a model, which asks the policy about each module."""
    from torch.distributed.fsdp.wrap import _recursive_wrap

    class Wrapped(nn.Sequential):
        pass

    model = Model()
    _recursive_wrap(
        model,
        auto_wrap_policy=wrap_blocks,
        wrapper_cls=Wrapped,
        ignored_modules=set(),
        ignored_params=set(),
        only_wrap_children=True,
    )
    wrapped = [name for name, module in model.named_modules() if isinstance(module, Wrapped)]
    blocks = [(0, 0), (1, 0), (2, 0), (2, 1), (3, 0)]
    assert wrapped == [f'backbone.stages.{stage}.blocks.{block}' for stage, block in blocks]
    levels = model.backbone(torch.randn(1, 3, 64, 64))
    assert [tuple(level.shape[2:]) for level in levels] == [(16, 16), (8, 8), (4, 4), (2, 2)]
