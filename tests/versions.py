"""Tests of what old versions of torch do not do."""

import pytest
import torch


def from_torch(version: str, why: str):
    """Skip a test with a torch before ``version``, for what that does not do."""
    before = tuple(map(int, torch.__version__.split('.')[:2])) < tuple(map(int, version.split('.')))
    return pytest.mark.skipif(before, reason=f'torch before {version} {why}')
