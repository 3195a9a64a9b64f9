"""The contract of a backbone, by the same class as for the five."""

import pytest

from tests.contract import Contract

pytestmark = pytest.mark.usefixtures('tiny_hybrid')


class TestTinyHybrid(Contract):
    family = 'TinyHybrid'
    options = dict(arch='nano')
