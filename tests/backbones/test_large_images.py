"""Every arch takes the detectors' image size in the memory of an ordinary machine."""

import resource

import pytest
import torch

from hybrid_backbones import backbones

from .test_contract import LARGER

SMALL = (
    ('Conformer', 'tiny_patch16'),
    ('CvT', '13'),
    ('HRFormer', 'tiny'),
    ('TransXNet', 't'),
    ('UniFormer', 'small'),
    ('UniFormer', 'small_plus'),
    ('UniFormer', 'xxs'),
)
ALL = [*SMALL, *((family, arch) for family, archs in LARGER.items() for arch in archs)]
LIMIT = 20e9  # bytes


@pytest.mark.slow
@pytest.mark.parametrize('family, arch', ALL)
def test_memory_at_800x1333(family, arch):
    backbone = getattr(backbones, family)(arch).eval()
    with torch.inference_mode():
        levels = backbone(torch.rand(1, 3, 800, 1333))
    shapes = [tuple(level.shape[2:]) for level in levels]
    assert shapes == [(200, 334), (100, 167), (50, 84), (25, 42)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # of the process so far
    assert peak < LIMIT, f'{peak / 1e9:.1f} GB'
