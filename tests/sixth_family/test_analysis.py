"""Descriptions, figures, costs, memory and speed, by its name."""

import math

import pytest
import torch

from hybrid_backbones import create_backbone, describe
from hybrid_backbones.analysis.benchmark.measure import measure
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.analysis.describe.text import as_text
from hybrid_backbones.analysis.interpret.attention_maps import attention_blocks, attention_map
from hybrid_backbones.analysis.interpret.feature_maps import feature_maps
from hybrid_backbones.analysis.interpret.receptive_field import receptive_field
from hybrid_backbones.analysis.interpret.visualize import (
    attention_figure,
    cam_figure,
    features_figure,
    receptive_fields_figure,
)
from hybrid_backbones.complexity import count_flops, count_parameters
from hybrid_backbones.complexity.parts import describe_parts
from hybrid_backbones.errors import ConfigError

pytestmark = pytest.mark.usefixtures('tiny_hybrid')

NAME = 'tinyhybrid_nano'
ATTEND = ['stages.2.blocks.0', 'stages.2.blocks.1', 'stages.3.blocks.0']


@pytest.fixture
def backbone():
    return create_backbone(NAME).eval()


def test_described():
    about = describe(NAME, size=(64, 64))
    assert (about['type'], about['arch']) == ('hybrid_backbones.TinyHybrid', 'nano')
    assert about['title'].startswith('TinyHybrid: two stages') and about['paper'] is None
    assert [level['size'] for level in about['levels']] == [[16, 16], [8, 8], [4, 4], [2, 2]]
    assert about['weights'][0]['file'] == 'tiny_hybrid_nano.pth'
    text = as_text(about)
    assert '2 AttentionBlock' in text and 'None' not in text


def test_costs(backbone):
    """The first convolution by hand; the parts add up to the whole."""
    with torch.device('meta'):
        parts = describe_parts(create_backbone(NAME).eval(), 64, 64)
    assert [part.name for part in parts] == [
        'stem',
        *(f'stage {i}' for i in (1, 2, 3, 4)),
        'output norms',
    ]
    assert sum(part.params for part in parts) == count_parameters(backbone)
    assert sum(part.flops for part in parts) == count_flops(backbone, 64, 64)
    assert parts[0].flops == 32 * 32 * 8 * 3 * 9 + 16 * 16 * 8 * 8 * 9


def test_attention_maps(backbone):
    """Its blocks are found, and each query's weights add up to 1 on a map of its own."""
    image = torch.randn(1, 3, 64, 96)
    assert attention_blocks(backbone) == ATTEND
    for block, size in zip(ATTEND, [(4, 6), (4, 6), (2, 3)]):
        found = attention_map(backbone, image, block)
        assert found.weights.shape == (2, *size)
        torch.testing.assert_close(found.weights.sum((1, 2)), torch.ones(2))


def test_feature_maps_and_receptive_field(backbone):
    maps = feature_maps(backbone, torch.randn(1, 3, 64, 64), num_channels=2)
    assert len(maps) == 4
    field = receptive_field(backbone, (64, 64), 0, 1)
    assert tuple(field.shape) == (64, 64) and field.max() > 0


def test_figures():
    pytest.importorskip('matplotlib')
    assert features_figure(NAME, size=(64, 64))
    assert attention_figure(NAME, 'stages.2.blocks.1', size=(64, 64))
    (panel,) = receptive_fields_figure([NAME], size=(64, 64), samples=1).panels
    assert panel.title.startswith(NAME)
    with pytest.raises(ConfigError, match=r'two branches of a Conformer; this is a TinyHybrid'):
        cam_figure(NAME, size=(64, 64))
    with pytest.raises(ConfigError, match='classifier of TinyHybrid is not known'):
        cam_figure(NAME, size=(64, 64), label=3)


def test_benchmark():
    """Also in the process of its own that measures memory, which has to register it again."""
    settings = Settings(NAME, size=(64, 64), mode='folded', threads=1, repeats=2)
    done = measure(settings)
    assert done['params'] == count_parameters(create_backbone(NAME))
    assert done['seconds']['median'] > 0
    assert done['memory_gib']['peak'] >= done['memory_gib']['before'] > 0
    assert math.isclose(done['gmacs'] * 1e9, count_flops(create_backbone(NAME), 64, 64))
