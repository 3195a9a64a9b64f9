"""torch.compile takes every family as one graph.

The graphs are run as they are captured (``backend='eager'``): what is tested is the capture, which
is ours to make possible; the code that a backend generates from it is torch's.
"""

import pytest
import torch
from torch import nn

from hybrid_backbones import backbones

ARCHS = dict(Conformer='tiny_patch16', CvT='13', HRFormer='tiny', TransXNet='t', UniFormer='small')
OPTIONS = dict(UniFormer=dict(stage3_attention='hybrid', window_size=5))


def build(family) -> nn.Module:
    return getattr(backbones, family)(ARCHS[family], **OPTIONS.get(family, {}))


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.parametrize('family', ARCHS)
def test_one_graph_same_numbers(family):
    backbone = build(family).eval()
    compiled = torch.compile(backbone, fullgraph=True, backend='eager')
    image = torch.randn(2, 3, 75, 101)
    with torch.no_grad():
        for level, expected in zip(compiled(image), backbone(image)):
            torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-4 * expected.std())


@pytest.mark.slow
@pytest.mark.parametrize('family', ARCHS)
def test_training_is_one_graph(family):
    backbone = build(family).train()
    compiled = torch.compile(backbone, fullgraph=True, backend='eager')
    image = torch.randn(2, 3, 96, 64)
    sum(level.square().mean() for level in compiled(image)).backward()
    assert all(p.grad is not None for p in backbone.parameters())
