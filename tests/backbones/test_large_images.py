"""Every family, and the largest arch, takes a detector's images in an ordinary machine's memory."""

import resource

import pytest
import torch

from hybrid_backbones import backbones

ARCHS = (
    ('Conformer', 'tiny_patch16'),
    ('CvT', '13'),
    ('HRFormer', 'tiny'),
    ('TransXNet', 't'),
    ('UniFormer', 'small'),
    ('UniFormer', 'small_plus'),
    ('UniFormer', 'xxs'),
    ('CvT', 'w24'),
)
LIMIT = 20e9  # bytes


@pytest.mark.slow
@pytest.mark.parametrize('family, arch', ARCHS)
def test_memory_at_800x1333(family, arch):
    backbone = getattr(backbones, family)(arch).eval()
    with torch.inference_mode():
        levels = backbone(torch.rand(1, 3, 800, 1333))
    shapes = [tuple(level.shape[2:]) for level in levels]
    assert shapes == [(200, 334), (100, 167), (50, 84), (25, 42)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # of the process so far
    assert peak < LIMIT, f'{peak / 1e9:.1f} GB'
