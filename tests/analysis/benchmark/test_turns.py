"""Several ways to run a network, timed in turns."""

import pytest

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.analysis.benchmark.turns import in_turns
from hybrid_backbones.errors import ConfigError
from tests.analysis.benchmark.test_benchmark import TINY


class Counter:
    """A clock by which every call takes longer than the one before: 1, 2, 3 ... seconds."""

    def __init__(self):
        self.now, self.calls = 0, 0

    def __call__(self):
        self.calls += 1
        if self.calls % 2 == 0:
            self.now += self.calls // 2
        return self.now


def test_turns():
    """After two calls to warm up: 3 and 4 s in the first turn, 5 and 6 in the second."""
    ways = dict(eager=Settings(**TINY), folded=Settings(**TINY, mode='folded'))
    result = in_turns(ways, Counter())
    first, second = result['ways'].values()
    assert (first['seconds'], first['ratio']) == (4, 1)
    assert (second['seconds'], second['ratio']) == (5, pytest.approx((4 / 3 + 6 / 5) / 2))
    assert second['settings']['mode'] == 'folded'
    assert result['threads'] == TINY['threads']


def test_refusals():
    with pytest.raises(ConfigError, match='`what` in common'):
        in_turns(dict(a=Settings(**TINY), b=Settings(**TINY, what='training')))
    with pytest.raises(ConfigError, match='a folded network does not train'):
        in_turns(dict(a=Settings(**TINY, what='training', mode='folded')))
