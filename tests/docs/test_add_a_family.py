"""The example of docs/add_a_family.md is a backbone as it stands there."""

import math

import torch

from hybrid_backbones.registry import MODELS
from tests.docs.pages import DOCS, blocks

SIZES = [(64, 64), (65, 97), (100, 150)]


def test_the_example():
    code = next(b for b in blocks(DOCS / 'add_a_family.md') if 'HybridBackbone' in b.text)
    try:
        exec(compile(code.text, str(code), 'exec'), {'__name__': 'newnet'})
        name = 'hybrid_backbones.NewNet'  # as in a config, whatever its default scope is
        backbone = MODELS.build(dict(type=name, out_indices=(0, 2), with_cp=True))
    finally:
        MODELS._module_dict.pop('NewNet', None)
    assert backbone.out_channels == (64, 320)
    for size in SIZES:
        levels = backbone(torch.rand(2, 3, *size))
        for level, stride in zip(levels, backbone.out_strides):
            assert level.shape[2:] == tuple(math.ceil(side / stride) for side in size)
    sum(level.square().mean() for level in levels).backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
