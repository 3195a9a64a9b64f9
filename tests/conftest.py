"""Set up before any test: thread use that suits shared machines, and importable libraries."""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import pytest  # noqa: E402
import torch  # noqa: E402

from hybrid_backbones.engine.prepare import repair_torchvision  # noqa: E402

repair_torchvision()


@pytest.fixture(autouse=True)
def same_seed():
    torch.manual_seed(0)
