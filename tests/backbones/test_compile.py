"""torch.compile takes every family as one graph.

The graphs are run as they are captured (``backend='eager'``): what is tested is the capture, which
is ours to make possible; the code that a backend generates from it is torch's.
"""

import pytest
import torch
from torch import nn

from hybrid_backbones import backbones
from tests.versions import from_torch

TRACES = from_torch('2.2', 'breaks graphs at generators and at functools.partial')
ARCHS = dict(Conformer='tiny_patch16', CvT='13', HRFormer='tiny', TransXNet='t', UniFormer='small')
OPTIONS = dict(UniFormer=dict(stage3_attention='hybrid', window_size=5))


def build(family) -> nn.Module:
    return getattr(backbones, family)(ARCHS[family], **OPTIONS.get(family, {}))


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@TRACES
@pytest.mark.slow
@pytest.mark.parametrize('family', ARCHS)
def test_training_is_one_graph(family):
    backbone = build(family).train()
    compiled = torch.compile(backbone, fullgraph=True, backend='eager')
    image = torch.randn(2, 3, 96, 64)
    sum(level.square().mean() for level in compiled(image)).backward()
    assert all(p.grad is not None for p in backbone.parameters())


# few blocks: graphs for sizes that are symbols take long to capture
SHALLOW = dict(
    Conformer=dict(patch=16, channel_ratio=1, depths=(1, 1, 1, 1)),
    CvT=dict(depths=(1, 1, 1)),
    HRFormer=dict(width=18, modules=(1, 1, 1), depth=1),
    TransXNet=dict(
        depths=(1, 1, 1, 1),
        dims=(48, 96, 224, 448),
        heads=(1, 2, 4, 8),
        groups=(2, 2, 2, 2),
        mlp_ratios=(4, 4, 4, 4),
    ),
    UniFormer=dict(depths=(1, 1, 4, 1)),
)
# multiples of 32, as detectors pad their batches; others may add graphs
SIZES = ((256, 320), (320, 256), (288, 288), (384, 288), (320, 480), (288, 352))


class Counting:
    """A backend of torch.compile that runs graphs as they are and counts them."""

    def __init__(self):
        self.graphs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        return graph


@TRACES
@pytest.mark.slow
@pytest.mark.parametrize('family', SHALLOW)
def test_few_graphs_for_many_sizes(family):
    """Multi-scale training: a graph for the first size, one for all others, one for squares."""
    torch.manual_seed(0)
    build = getattr(backbones, family)
    backbone = build(SHALLOW[family], **OPTIONS.get(family, {})).eval()
    backend = Counting()
    compiled = torch.compile(backbone, fullgraph=True, backend=backend)
    with torch.no_grad():
        for size in SIZES:
            image = torch.randn(2, 3, *size)
            for level, expected in zip(compiled(image), backbone(image)):
                torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-4 * expected.std())
    assert backend.graphs <= 3
