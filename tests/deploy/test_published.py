"""Folded backbones against the recorded numbers of the authors' code."""

from dataclasses import dataclass, field
from typing import Dict, Tuple

import pytest
import torch

from hybrid_backbones import Conformer, CvT, HRFormer, TransXNet, UniFormer
from hybrid_backbones.deploy import fold
from hybrid_backbones.weights import Dialect
from hybrid_backbones.weights.families import conformer, cvt, hrformer, transxnet, uniformer

from ..golden import Golden, assert_close, goldens, published_state
from ..parity import assert_level, load_published

LEVELS = ('c2', 'c3', 'c4', 'c5')
POSE = dict(with_rel_pos_bias=False, fuse_upsample='bilinear')


@dataclass(frozen=True)
class Family:
    """How a family's goldens are run.

    Args:
        build: The class.
        dialect: The authors' names.
        tolerance: As in the family's own tests.
        levels: The recorded names.
        modes: Options of each recorded mode; a mode that is not here is no run of all levels.
        dense: Whether the authors' dense code has weights of its own.
    """

    build: type
    dialect: Dialect
    tolerance: float
    levels: Tuple[str, ...] = LEVELS
    modes: Dict[str, dict] = field(default_factory=lambda: {'': {}})
    dense: bool = False


QUICK = (
    'conformer_tiny_patch16@192x256',
    'cvt_13@192x256',
    'hrformer_tiny@pose-192x256',
    'hrformer_tiny@seg-192x256',
    'transxnet_t@192x256',
    'uniformer_small@hybrid-192x256',
    'uniformer_xxs@192x256',
)
FAMILIES = {
    'conformer': Family(Conformer, conformer.AUTHORS, 3e-5),
    'cvt': Family(
        CvT, cvt.AUTHORS, 3e-5, ('out0', 'out1', 'out2'), {'': dict(out_indices=(0, 1, 2))}
    ),
    'hrformer': Family(
        HRFormer,
        hrformer.AUTHORS,
        3e-5,
        ('stream0', 'stream1', 'stream2', 'stream3'),
        {'seg': {}, 'pose': POSE, 'posehead': dict(out_indices=(0,), **POSE)},
    ),
    'transxnet': Family(TransXNet, transxnet.AUTHORS, 1e-4, dense=True),
    'uniformer': Family(
        UniFormer,
        uniformer.AUTHORS,
        1e-4,
        modes={
            '': {},
            'global': {},
            'windows': dict(stage3_attention='window'),
            'hybrid': dict(stage3_attention='hybrid'),
        },
        dense=True,
    ),
}


def arch_of(golden: Golden) -> str:
    return golden.variant.partition('_')[2]


def runs():
    """The quick ones, and one of each other variant: folding knows neither sizes nor modes."""
    chosen = []
    for name, family in FAMILIES.items():
        seen = set()
        for golden in goldens(name):
            quick = golden.tag in QUICK
            if golden.mode in family.modes and (quick or golden.variant not in seen):
                seen.add(golden.variant)
                marks = [] if quick else [pytest.mark.slow]
                chosen.append(pytest.param(family, golden, id=golden.tag, marks=marks))
    return chosen


@pytest.mark.parametrize('family, golden', runs())
def test_levels(family, golden):
    """They meet the families' own tolerances, and are what the unfolded backbones give.

    That is compared in the mean: with these weights a few positions of TransXNet and UniFormer are
    some 4e-5 of a level's standard deviation apart, and both as far from their float64 selves.
    """
    backbone = family.build(arch_of(golden), **family.modes[golden.mode]).eval()
    mode = (golden.mode or 'default') if family.dense else None
    load_published(backbone, family.dialect, published_state(golden.variant, mode))
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
