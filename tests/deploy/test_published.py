"""Folded backbones against the recorded numbers of the authors' code."""

import pytest
import torch

from hybrid_backbones import UniFormer
from hybrid_backbones.deploy import fold
from hybrid_backbones.weights.families import uniformer
from tests.golden import assert_close, goldens, published_state
from tests.parity import assert_level, load_published
from tests.published_runs import FAMILIES, QUICK, arch_of, published


def runs():
    """The quick ones, and one of each other variant: folding knows neither sizes nor modes."""
    chosen = []
    for name, family in FAMILIES.items():
        seen = set()
        for golden in goldens(name):
            quick = golden.tag in QUICK
            if golden.mode in family.modes and (quick or golden.variant not in seen):
                seen.add(golden.variant)
                marks = [] if quick else [pytest.mark.slow, pytest.mark.extended]
                chosen.append(pytest.param(family, golden, id=golden.tag, marks=marks))
    return chosen


@pytest.mark.parametrize('family, golden', runs())
def test_levels(family, golden):
    """They meet the families' own tolerances, and are what the unfolded backbones give.

    That is compared in the mean: with these weights a few positions of TransXNet and UniFormer are
    some 4e-5 of a level's standard deviation apart, and both as far from their float64 selves.
    """
    backbone = published(family, golden)
    with torch.inference_mode():
        levels, expected = fold(backbone)(golden.image()), backbone(golden.image())
    for name, level, other in zip(family.levels, levels, expected):
        assert_close(level, golden, name, family.tolerance)
        assert_level(level, other, family.tolerance)
        assert (level - other).square().mean().sqrt() < 1e-5 * other.std()


@pytest.mark.slow
@pytest.mark.parametrize(
    'golden',
    [g for g in goldens('uniformer') if g.mode == 'stages' and '_ls' in g.variant],
    ids=lambda g: g.tag,
)
def test_layer_scales(golden):
    """The published archs with layer scale: recorded are the stages, before any norm."""
    backbone = UniFormer(arch_of(golden)).eval()
    load_published(backbone, uniformer.AUTHORS, published_state(golden.variant))
    folded, seen = fold(backbone), []
    for stage in folded.body.stages:
        stage.blocks[-1].register_forward_hook(lambda module, args, out: seen.append(out))
    with torch.inference_mode():
        folded(golden.image())
    for name, level in zip(('stage1', 'stage2', 'stage3', 'stage4'), seen):
        assert_close(level, golden, name, 1e-4)
