"""``hybrid-backbones benchmark`` on a GPU, alone and as a suite."""

import json

import pytest

from hybrid_backbones.analysis.benchmark import timing
from hybrid_backbones.analysis.benchmark.measure import measure
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.analysis.benchmark.suite import peers
from tests.analysis.benchmark.test_benchmark import TINY, check_schema

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch):
    monkeypatch.setitem(timing.MATMUL_SIZES, 'cuda', (256,))


def test_one_network():
    result = measure(Settings(**{**TINY, 'memory': True}, device='cuda', dtype='float16'))
    check_schema(result)
    assert 0 < result['memory_gib']['before'] < result['memory_gib']['peak']


def test_suite(command, tmp_path, monkeypatch):
    """A small one: every row has numbers, those of memory too."""
    monkeypatch.setattr(peers, 'peers_here', lambda: ((), {}))
    words = ('--size', '64x96', '--batches', '1', '2', '--repeats', '2', '--json', 'gpu.json')
    words = (*words, '--mode', 'eager')
    result = command('benchmark', '--suite', 'gpu', 'uniformer_xxs', *words)
    assert result.status == 0, result.err
    rows = json.loads((tmp_path / 'gpu.json').read_text())['rows']
    assert len(rows) == 8  # two types, two batches, inference and training
    for key, row in rows.items():
        assert row['images_per_second'] > 0, key
        assert 0 < row['memory_gib']['before'] < row['memory_gib']['peak'], key
