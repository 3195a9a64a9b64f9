"""The mini sets are drawn once for all tests of configs."""

import pytest


@pytest.fixture(scope='session')
def mini_root(tmp_path_factory):
    return tmp_path_factory.mktemp('mini')
