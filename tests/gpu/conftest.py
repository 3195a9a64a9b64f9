"""What the tests on a GPU have in common."""

import pytest

from hybrid_backbones.analysis.benchmark.suite.precise import without_tf32


@pytest.fixture(autouse=True)
def fp32_is_fp32():
    with without_tf32():
        yield
