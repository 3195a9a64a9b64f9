"""The table of all families' speed beside the published code's."""

import json

import pytest
import torch

from hybrid_backbones.analysis.benchmark.networks import build_network
from hybrid_backbones.analysis.benchmark.settings import Settings, check_settings
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import write_json
from tests.analysis.benchmark.test_benchmark import TINY, check_schema, made_up
from tools.pages import benchmark as bench_suite
from tools.pages.benchmark import (
    PAGE,
    PEERS,
    PUBLISHED,
    REPEATS,
    ROWS,
    WARMUP,
    measured_on,
    peers_table,
    read_published,
    run_suite,
    suite_table,
)
from tools.pages.marked import read_page


def test_suite_is_the_published_rows():
    published = read_published(PUBLISHED)
    rows = {row.key for row in ROWS}
    assert len(rows) == len(ROWS) == 10
    assert {key for key, _ in published.ratios} == rows
    for row in ROWS:
        with torch.device('meta'):
            backbone = build_network(row.network, row.options).holder.backbone
        assert type(backbone).__name__.lower() == row.network.split('_')[0]
        assert row.variant == row.network
        inference, training = (row.settings(what, 2) for what in bench_suite.WHATS)
        check_settings(inference)
        check_settings(training)
        assert (inference.size, inference.batch) == ((800, 1280), 1)
        assert (training.size, training.batch, training.mode) == ((512, 512), 2, 'eager')


def test_tables():
    published = read_published(PUBLISHED)
    results = {
        (row.key, what): made_up(row.settings(what, 2), published.ratios[row.key, what] * factor)
        for row in ROWS[:2]
        for what, factor in (('inference', 0.5), ('training', 2.0))
    }
    peers = {PEERS[0].name: made_up(PEERS[0].settings(2), 0.25)}
    theirs = peers_table(peers).splitlines()[2:]
    assert len(theirs) == len(PEERS)
    assert '| `mmpose:HRFormer-small` |' in theirs[0] and '| 0.25 |' in theirs[0]
    assert '| - | - | - | - |' in theirs[1], 'not measured'
    lines = suite_table(results, published).splitlines()
    assert len(lines) == 2 + len(ROWS) + 1
    assert len({line.count('|') for line in lines}) == 1
    row = ROWS[0]
    assert lines[2] == (
        f'| `uniformer_small` hybrid | {row.mode} | {row.memory_format} | 0.81 | 1.62 | 0.50 '
        '| 2.72 | 1.36 | 2.00 | 0.50 -> 1.25 | 0.48 -> 1.17 | 50% |'
    )
    assert '| - | 6.30 | - | - | 8.22 | - | - | - | - |' in lines[2 + 4], 'not measured'
    assert lines[-1].split('|')[1].strip() == 'geometric mean'
    assert [cell.strip() for cell in lines[-1].split('|')[6:10:3]] == ['0.50', '2.00']
    text = measured_on(list(results.values()))
    for part in ('torch 2.13.0', '2026-01-31', '2 threads', 'Some CPU'):
        assert part in text


def test_the_page_says_how_it_is_measured():
    page = ' '.join(read_page(PAGE, ('machine', 'suite', 'peers')).split())
    assert page.count(f'{REPEATS} calls after {WARMUP} warm-up calls') == 2


@pytest.fixture(autouse=True)
def no_peers(monkeypatch):
    """But for the tests that are about them, whatever is installed."""
    monkeypatch.setattr(bench_suite, 'find_spec', lambda name: None)


def test_peers_that_are_installed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_suite, 'find_spec', lambda name: name == 'mmpose' or None)
    runner = StubbedRunner(fails=['peer-mmpose-hrformer-small'])
    suite(tmp_path, runner)
    assert [name for name in runner.names if 'peer' in name] == ['peer-mmpose-hrformer-small']
    said = capsys.readouterr().out
    assert 'peer-mmpose-hrformer-small: failed, see' in said, 'but the table is there'
    assert 'peer-transformers-cvt-13: not installed' in said
    suite(tmp_path, StubbedRunner())
    page_text = (tmp_path / 'page.md').read_text()
    assert '| `hrformer_small` | `mmpose:HRFormer-small` |' in page_text
    assert 'peer-mmpose-hrformer-small: 2.00' in capsys.readouterr().out


def test_peers_that_were_installed(tmp_path, monkeypatch):
    """What an environment that has them measured stays, also when all else is measured anew."""
    monkeypatch.setattr(bench_suite, 'find_spec', lambda name: name)
    suite(tmp_path, StubbedRunner())
    monkeypatch.undo()
    monkeypatch.setattr(bench_suite, 'find_spec', lambda name: None)
    fresh = StubbedRunner()
    suite(tmp_path, fresh, fresh=True)
    assert len(fresh.names) == 20
    lines = (tmp_path / 'page.md').read_text().splitlines()
    assert [line.count('| 2.00 |') for line in lines if '| `mm' in line] == [1, 1]


def suite(folder, runner, threads=1, **options):
    """Run it on a page of its own."""
    page = folder / 'page.md'
    if not page.exists():
        marks = (f'<!-- begin {x} -->\n<!-- end {x} -->\n' for x in ('machine', 'suite', 'peers'))
        page.write_text(''.join(marks))
    run_suite(page, folder / 'bench', threads=threads, runner=runner, **options)


class StubbedRunner:
    """Writes made-up results, and keeps count."""

    def __init__(self, fails=()):
        self.names = []
        self.fails = fails

    def __call__(self, settings, path):
        self.names.append(path.stem)
        if path.stem in self.fails:
            return False
        write_json(path, made_up(settings, 2.0))
        return True


def test_suite_goes_on_where_it_was(tmp_path, capsys):
    """What failed is measured again, what is there is not."""
    first = StubbedRunner(fails=['cvt_13-training'])
    with pytest.raises(ConfigError, match='failed: cvt_13-training'):
        suite(tmp_path, first)
    assert len(first.names) == 20
    assert 'cvt_13-training: failed, see' in capsys.readouterr().out
    assert '| 2.00 |' in (tmp_path / 'page.md').read_text(), 'with what there is'
    second = StubbedRunner()
    suite(tmp_path, second)
    assert second.names == ['cvt_13-training']
    assert 'uniformer_small-hybrid-inference: 2.00 x resnet50' in capsys.readouterr().out


def test_suite_measures_anew(tmp_path):
    """When told to, and where the result is one of other settings."""
    suite(tmp_path, StubbedRunner())
    fresh = StubbedRunner()
    suite(tmp_path, fresh, fresh=True)
    assert len(fresh.names) == 20
    other = StubbedRunner()
    suite(tmp_path, other, threads=2)
    assert len(other.names) == 20


def test_suites_own_process(tmp_path, monkeypatch):
    """A row as the suite runs it; threads are those of the settings, waiting ones sleep."""
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    path = tmp_path / 'tiny.json'
    settings = Settings(**{**TINY, 'repeats': 1})
    assert bench_suite._run(settings, path), path.with_suffix('.log').read_text()
    check_schema(json.loads(path.read_text()))
    assert not bench_suite._run(Settings(**{**TINY, 'network': 'gone'}), tmp_path / 'gone.json')
    assert "no network 'gone'" in (tmp_path / 'gone.log').read_text()
    assert not (tmp_path / 'gone.json').exists()
