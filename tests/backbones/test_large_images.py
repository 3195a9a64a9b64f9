"""The first two stages of the largest arch take a detector's image in ordinary memory."""

import pytest

from hybrid_backbones.analysis.benchmark.peak_memory import peak_memory
from hybrid_backbones.analysis.benchmark.settings import Settings

LIMIT = 20  # GiB


@pytest.mark.slow
def test_memory_at_800x1333():
    """In a fresh process, of the stages with the most tokens; tests of single kinds of attention
    are in ``test_linear_memory.py``.
    """
    settings = Settings('cvt_w24', dict(out_indices=(0, 1)), size=(800, 1333), threads=1)
    assert 0.1 < peak_memory(settings)['peak'] < LIMIT
