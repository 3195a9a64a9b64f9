"""What is shown of a level, against its definition."""

import pytest
import torch

from hybrid_backbones.analysis.interpret.feature_maps import feature_maps, principal_components
from hybrid_backbones.analysis.interpret.figures.feature_maps import as_colours
from tests.analysis.small import SMALL


def test_levels():
    backbone = SMALL['hrformer']().eval()
    image = torch.randn(1, 3, 70, 90)
    with torch.no_grad():
        levels = backbone(image)
    described = feature_maps(backbone, image, num_channels=5)
    assert [level.level for level in described] == [0, 1, 2, 3]
    assert [level.stride for level in described] == [4, 8, 16, 32]
    for found, level in zip(described, levels):
        assert found.channels == level.shape[1]
        torch.testing.assert_close(found.strength, level[0].abs().mean(0))
        means = level[0].abs().mean((1, 2))
        assert found.strongest == tuple(sorted(range(len(means)), key=lambda i: -means[i])[:5])
        torch.testing.assert_close(found.channel_maps, level[0][list(found.strongest)])


def test_components_of_a_map_made_of_two():
    """Two patterns along orthogonal directions of the channels, one of them stronger."""
    torch.manual_seed(1)
    patterns = torch.linalg.qr(torch.randn(20, 2) - torch.randn(20, 2).mean(0))[0]
    patterns = torch.linalg.qr(patterns - patterns.mean(0))[0].t()  # mean 0, orthonormal
    directions = torch.linalg.qr(torch.randn(6, 2))[0]
    x = directions @ (torch.tensor([[3.0], [1.0]]) * patterns) + torch.randn(6, 1)
    components, explained = principal_components(x.unflatten(1, (4, 5)), 2)
    torch.testing.assert_close(explained, torch.tensor([0.9, 0.1]), rtol=1e-4, atol=1e-5)
    for component, pattern in zip(components.flatten(1), patterns):
        assert component.std(unbiased=False).item() == pytest.approx(1, abs=1e-4)
        cosine = torch.cosine_similarity(component, pattern, dim=0)
        assert abs(cosine.item()) == pytest.approx(1, abs=1e-4)


def test_fewer_positions_than_components():
    components, explained = principal_components(torch.randn(8, 1, 1), 3)
    assert components.shape == (1, 1, 1) and explained.shape == (1,)
    assert torch.isfinite(as_colours(components)).all()
