"""Effective receptive fields of networks whose fields are known."""

import numpy as np
import pytest
import torch
from torch import nn

from hybrid_backbones.analysis.interpret.receptive_field import area_shares, receptive_field
from hybrid_backbones.backbones.hrformer import WindowAttention
from hybrid_backbones.errors import ConfigError
from tests.analysis.small import SMALL


def test_plain_convolutions():
    """Of n layers of ones it is a box convolved with itself n times, whatever the image is."""
    layers = [nn.Conv2d(3 if i == 0 else 1, 1, 3, padding=1, bias=False) for i in range(4)]
    for layer in layers:
        nn.init.ones_(layer.weight)
    layers[0].weight.data[:, 1] = -2  # colours do not cancel
    network = nn.Sequential(*layers)
    field = receptive_field(lambda x: [network(x)], (21, 25), samples=2)
    line = np.ones(1)
    for _ in layers:
        line = np.convolve(line, np.ones(3))
    expected = np.zeros((21, 25))
    expected[6:15, 8:17] = (1 + 2 + 1) * np.outer(line, line)  # around position 10, 12
    np.testing.assert_allclose(field.numpy(), expected, rtol=1e-5)


def test_window_attention_stays_in_its_window():
    attention = WindowAttention(8, 2, window=5, with_rel_pos_bias=True)
    embed = nn.Conv2d(3, 8, 1)

    def network(x):
        return [attention(embed(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)]

    field = receptive_field(network, (15, 20), samples=2)
    inside = torch.zeros(15, 20, dtype=torch.bool)
    inside[5:10, 10:15] = True  # the window of the middle position 7, 10
    assert (field[inside] > 0).all()
    assert (field[~inside] == 0).all()


def test_channels_of_a_layer_norm_do_not_cancel():
    """Their plain sum is constant: its gradient is rounding noise."""
    embed, norm = nn.Conv2d(3, 16, 3, padding=1), nn.LayerNorm(16)

    def network(x):
        return [norm(embed(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)]

    image = torch.randn(1, 3, 9, 9, requires_grad=True)
    network(image)[0].sum().backward()
    assert receptive_field(network, (9, 9), samples=4).max() > 1e3 * image.grad.abs().max()


def test_given_images_are_used_in_turn():
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Sigmoid())
    images = torch.randn(2, 3, 9, 9)
    both = receptive_field(lambda x: [network(x)], images=images, samples=4, seed=1)
    again = receptive_field(lambda x: [network(x)], images=images, samples=4, seed=1)
    first = receptive_field(lambda x: [network(x)], images=images[:1], samples=4, seed=1)
    torch.testing.assert_close(both, again, rtol=0, atol=0)
    assert not torch.allclose(both, first)


@pytest.mark.parametrize('name', SMALL)
def test_families(name):
    """A field for each level, of the image's size, and nothing kept on the weights."""
    backbone = SMALL[name]().eval()
    for level in range(4):
        field = receptive_field(backbone, (64, 96), level=level, samples=1)
        assert field.shape == (64, 96)
        assert field[32:40, 48:56].max() > 0
    assert all(p.grad is None for p in backbone.parameters())


def test_without_samples():
    with pytest.raises(ConfigError, match='`samples` must be at least 1'):
        receptive_field(SMALL['uniformer'](), (64, 96), samples=0)


def test_area_of_one_point():
    field = torch.zeros(8, 8)
    field[4, 4] = 2.0
    assert area_shares(field, 1) == {0.2: 1 / 64, 0.5: 1 / 64, 0.99: 1 / 64}


def test_area_of_an_even_field():
    """Squares of 1, 9 and 25 pixels hold 4, 36 and 100 %."""
    shares = area_shares(torch.ones(5, 5), 1, (0.04, 0.05, 0.36, 0.37, 1.0))
    assert shares == {0.04: 1 / 25, 0.05: 9 / 25, 0.36: 9 / 25, 0.37: 1.0, 1.0: 1.0}


def test_area_is_around_the_position_and_cut_at_the_edge():
    """At stride 4 the middle of 10 pixels is position 1, pixel 6: three pixels from the edge."""
    field = torch.zeros(10, 10)
    field[2:, 2:] = 1.0
    (share,) = area_shares(field, 4, (1.0,)).values()
    assert share == 64 / 100
