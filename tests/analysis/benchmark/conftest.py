"""What all measurements here need."""

import pytest
import torch

from hybrid_backbones.analysis.benchmark import timing


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch):
    """Whose products take no time; and torch's threads as they were, afterwards."""
    threads = torch.get_num_threads()
    monkeypatch.setitem(timing.MATMUL_SIZES, 'cpu', (64,))
    yield
    torch.set_num_threads(threads)
