"""The page of speed: what is measured for it, its tables, and runs that go on where they were."""

import json
from dataclasses import asdict

import pytest
import torch

from hybrid_backbones.analysis.benchmark.networks import build_network
from hybrid_backbones.analysis.benchmark.settings import Settings, check_settings
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import write_json
from tests.analysis.benchmark.test_benchmark import TINY, check_schema, made_up
from tools.pages.benchmark import (
    backbones,
    bounds,
    jobs,
    models,
    peers,
    precisions,
    runtimes,
)
from tools.pages.benchmark.jobs import MEASURE, OPERATORS, PARTS, TURNS, Job
from tools.pages.benchmark.published import read_published
from tools.pages.benchmark.suite import (
    MACHINE,
    PAGE,
    SECTIONS,
    measured_on,
    measured_with,
    run_suite,
)
from tools.pages.marked import read_page

ROWS, WHATS = backbones.ROWS, backbones.WHATS
ABOUT = dict(machine='Some CPU', versions={'torch': '2.13.0'}, date='2026-01-31')


def made_up_turns(ratios):
    ways = {name: dict(seconds=ratio / 4, ratio=ratio) for name, ratio in ratios.items()}
    return dict(ways=ways, threads=2, **ABOUT)


def made_up_operators():
    kind = dict(name='norm', calls=7, seconds=0.5, flops=0, bytes=2e9, share=0.5)
    settings = asdict(Settings('cvt_13', size=(64, 96), batch=2, what='training', threads=2))
    small = dict(kind, name='other', share=0.01, seconds=0.01)
    kinds = [dict(kind, roof=0.4, bound='traffic'), dict(small, roof=0.1, bound='rate')]
    return dict(
        **dict(settings=settings, seconds=1.0, rest=0.49, matmul=3e11, copy=1e10),
        **dict(kinds=kinds, **ABOUT),
    )


def made_up_parts(workers=None, seconds=1.5):
    shares = dict(backbone=0.4, neck=0.25, rest=0.01, rpn_head=0.34)
    return dict(
        **dict(settings=dict(threads=2), seconds=dict(of_parts=seconds)),
        **dict(parts={name: dict(share=share) for name, share in shares.items()}),
        **dict(pipeline=workers and dict(workers=workers), **ABOUT),
    )


def made_up_result(job):
    if job.kind == PARTS:
        return made_up_parts()
    if job.kind == TURNS:
        return made_up_turns(dict.fromkeys(job.settings, 2.0))
    return made_up_operators() if job.kind == OPERATORS else made_up(job.settings, 2.0)


def lines_of(table):
    lines = table.splitlines()
    assert len({line.count('|') for line in lines}) == 1
    return lines


def test_suite_is_the_published_rows():
    published = read_published()
    rows = {row.key for row in ROWS}
    assert len(rows) == len(ROWS) == 10
    assert {key for key, _ in published.ratios} == rows
    for row in ROWS:
        with torch.device('meta'):
            backbone = build_network(row.network, row.options).holder.backbone
        assert type(backbone).__name__.lower() == row.network.split('_')[0]
        assert row.variant == row.network
        inference, training = (row.job(what, 2).settings for what in WHATS)
        assert (inference.size, inference.batch) == ((800, 1280), 1)
        assert (training.size, training.batch, training.mode) == ((512, 512), 2, 'eager')


def test_jobs():
    """Every one can be measured, in a file of its own, and JSON holds what tells it apart."""
    found = [job for section in SECTIONS for job in section.jobs(2)]
    assert len({job.name for job in found}) == len(found)
    for job in found:
        described = job.described()
        assert json.loads(json.dumps(described)) == described
        assert job.threads == 2
        if job.package != 'openvino':  # which is looked for
            ways = job.settings.values() if job.kind == TURNS else [job.settings]
            for settings in ways:
                check_settings(settings)


def test_backbones():
    published = read_published()
    results = {
        row.job_name(what): made_up(
            row.job(what, 2).settings, published.ratios[row.key, what] * factor
        )
        for row in ROWS[:2]
        for what, factor in (('inference', 0.5), ('training', 2.0))
    }
    lines = lines_of(backbones.table(results, published))
    assert len(lines) == 2 + len(ROWS) + 1
    row = ROWS[0]
    assert lines[2] == (
        f'| `uniformer_small` hybrid | {row.mode} | {row.memory_format} | 0.81 | 1.62 | 0.50 '
        '| 2.72 | 1.36 | 2.00 | 0.50 -> 1.25 | 0.48 -> 1.17 | 50% | 50% |'
    )
    assert '| - | 6.30 | - | - | 8.22 | - | - | - | - | - |' in lines[2 + 4], 'not measured'
    assert lines[-1].split('|')[1].strip() == 'geometric mean'
    assert [cell.strip() for cell in lines[-1].split('|')[6:10:3]] == ['0.50', '2.00']
    found = list(results.values())
    assert measured_on(found) == 'Measured on Some CPU with 2 threads, 2026-01-31.\n'
    assert 'torch 2.13.0' in measured_with(found)
    elsewhere = dict(found[0], machine='Another CPU')
    assert 'Another CPU / Some CPU' in measured_on([*found, elsewhere])


def test_other_tables():
    """With what is measured, and dashes for what is not."""
    first = peers.PEERS[0]
    theirs = lines_of(peers.table({first.job_name: made_up(first.job(2).settings, 0.25)}))
    assert '| `mmpose:HRFormer-small` | 0.25 | 1.00 | 0.25 | mmpose |' in theirs[2]
    assert '| - | - | - | - |' in theirs[3]
    model = models.MODELS[0]
    found = {models.job_name(model.config, what): made_up_parts() for what in WHATS}
    found[models.job_name(model.config, 'training')] = made_up_parts(3)
    found['model-mask-rcnn_r50_fpn_1x_coco-training'] = made_up_parts(seconds=0.75)
    whole = lines_of(models.table(found))
    parts = '| 40% | rpn_head 34%, neck 25% |'
    assert whole[2].endswith(f'| inference | 1.50 | - {parts}  |')
    assert whole[3].endswith(f'| training | 1.50 | 2.00 {parts} 3 |')
    assert whole[4].endswith('| - | - | - | - | - |')
    name = precisions.NETWORKS[0]
    types = made_up_turns(dict(float32=1, bfloat16=0.5, autocast=0.75))
    smaller = lines_of(precisions.table({f'precisions-{name}': types}))
    assert smaller[2].endswith('| 0.250 s | 0.125 s | 0.50 | 0.188 s | 0.75 |')
    assert smaller[3].endswith('| - | - | - | - | - |')
    text = bounds.table({f'operators-{bounds.NETWORKS[0]}-training': made_up_operators()})
    assert '`cvt_13`, training, eager, 2x3x64x96, float32: 1.00 s; matrix products' in text
    assert '300 GFLOP/s, copies 10 GB/s.' in text
    assert '| norm | 7 | 50% | 500 | - | 4 | 40% | copies |' in text
    assert '| all else, Python |  | 50% | 500 |' in text
    assert bounds.table({}) == 'Not measured.\n'


def test_runtimes():
    """In turns, in the units of the first table; what is not measured leaves dashes."""
    published = read_published()
    found = {}
    assert [row.key for row in runtimes.EXPORTED] == list(runtimes.GOALS)
    for row, factor in zip(ROWS, (0.5, 0.08)):
        job = runtimes.job(row, 2)
        reference, *ours = job.settings.values()
        assert reference.network == 'resnet50' and [x.network for x in ours] == [row.network] * 3
        assert {each.size for each in job.settings.values()} == {(800, 1280)}
        assert [each.mode for each in ours] == [row.mode, 'onnxruntime', 'openvino']
        theirs = published.ratios[row.key, 'inference']
        quotients = dict(torch=factor, onnxruntime=factor / 2, openvino=factor * 2)
        found[job.name] = made_up_turns({name: q * theirs for name, q in quotients.items()})
    lines = lines_of(runtimes.table(found, published))
    assert lines[2] == (
        '| `uniformer_small` hybrid | 1.62 | 0.81 | 0.50 | 0.40 | 0.25 | 1.62 | 1.00 | 0.25 '
        '| 0.45 |'
    )
    assert lines[4] == '| `hrformer_small` seg | 2.19 | - | - | - | - | - | - | - | 0.35 |'
    assert lines[-1] == '| geometric mean |  |  | 0.20 |  | 0.10 |  | 0.40 | 0.10 | 0.30 |'
    assert (
        lines_of(runtimes.table({}))[-1] == '| geometric mean |  |  | - |  | - |  | - | - | 0.30 |'
    )


def test_the_page_says_how_it_is_measured():
    wanted = [MACHINE, *(section.NAME for section in SECTIONS)]
    page = ' '.join(read_page(PAGE, wanted).split())
    calls = f'2 or {backbones.REPEATS} calls after {backbones.WARMUP} warm-up calls'
    assert page.count(calls) == 3 and f'{backbones.LIMIT:g} s' in page
    assert backbones.REPEATS == models.REPEATS
    height, width = precisions.SIZE
    assert page.count(f'Folded, 1x3x{height}x{width}') == 1


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """What the jobs find, whatever is installed; tests change it."""
    packages = {'mmdet', 'mmseg', 'mmpose', 'openvino'}
    monkeypatch.setattr(jobs, 'cpu_has_bfloat16', lambda: 'bfloat16' in packages)
    packages.add('bfloat16')
    monkeypatch.setattr(jobs, 'find_spec', lambda name: name if name in packages else None)
    return packages


def suite(folder, runner, **options):
    """Run it on a page of its own."""
    page = folder / 'page.md'
    sections = options.pop('sections', SECTIONS)
    if not page.exists():
        marks = [MACHINE, *(section.NAME for section in sections)]
        page.write_text(''.join(f'<!-- begin {x} -->\n<!-- end {x} -->\n' for x in marks))
    options.setdefault('threads', 1)
    run_suite(page, folder / 'bench', sections=sections, runner=runner, **options)
    return page.read_text()


class StubbedRunner:
    """Writes made-up results, and keeps count."""

    def __init__(self, fails=()):
        self.groups = []
        self.fails = fails

    def __call__(self, group, folder):
        self.groups.append([job.name for job in group])
        for job in group:
            if job.name not in self.fails:
                result = dict(job=job.described(), result=made_up_result(job))
                write_json(jobs.result_path(job, folder), result)

    @property
    def names(self):
        return [name for group in self.groups for name in group]


def test_suite_goes_on_where_it_was(tmp_path, capsys):
    """What failed is measured again, what is there is not."""
    first = StubbedRunner(fails=['cvt_13-training'])
    with pytest.raises(ConfigError, match='failed: cvt_13-training'):
        suite(tmp_path, first)
    wanted = [job for section in SECTIONS for job in section.jobs(1) if not jobs.missing(job)]
    assert first.names == [job.name for job in sorted(wanted, key=lambda job: job.later)]
    assert ['cvt_13-inference', 'cvt_13-training'] in first.groups, 'in one process'
    assert 'cvt_13-training: failed, see' in capsys.readouterr().out
    assert '| 2.00 |' in (tmp_path / 'page.md').read_text(), 'with what there is'
    second = StubbedRunner()
    suite(tmp_path, second)
    assert second.names == ['cvt_13-training']
    assert 'cvt_13-training: measured in 0 s' in capsys.readouterr().out


def test_what_was_installed(tmp_path, installed, capsys):
    """What an environment that had it measured stays, also when all else is measured anew."""
    installed.add('mmpretrain')
    suite(tmp_path, StubbedRunner(), sections=[peers])
    installed.clear()
    fresh = StubbedRunner()
    page = suite(tmp_path, fresh, sections=[peers], fresh=True)
    assert fresh.names == []
    assert [line.count('| 2.00 |') for line in page.splitlines() if '| `mm' in line] == [1, 1]
    assert 'peer-mmpretrain-conformer-small-p32: mmpretrain is not installed' in (
        capsys.readouterr().out
    )


def test_what_the_processor_does_not_have(tmp_path, installed):
    """A table that was measured on another one stays in the page."""
    suite(tmp_path, StubbedRunner(), sections=[precisions])
    before = (tmp_path / 'page.md').read_text()
    installed.remove('bfloat16')
    for path in (tmp_path / 'bench').glob('*.json'):
        path.unlink()
    runner = StubbedRunner()
    assert suite(tmp_path, runner, sections=[precisions], fresh=True) == before
    assert runner.names == [] and before.count('| 0.500 s |') > 0


def test_when_time_is_up(tmp_path, capsys, monkeypatch):
    """The larger ones are left; the next run goes on with them."""
    clock, runner = [0.0], StubbedRunner()
    monkeypatch.setattr('tools.pages.benchmark.suite.time.perf_counter', lambda: clock[0])

    def slow(group, folder):
        runner(group, folder)
        clock[0] += 60

    page = suite(tmp_path, slow, sections=[backbones], minutes=6, fresh=True)
    first = [row.key for row in ROWS if not row.later]
    assert len(runner.groups) == len(first) == 6
    assert page.count('| 2.00 |') == 2 * 6
    left = ', '.join(row.job_name(what) for row in ROWS if row.later for what in WHATS)
    assert f'not measured within 6 min: {left}; the next run' in capsys.readouterr().out
    again = StubbedRunner()
    page = suite(tmp_path, again, sections=[backbones])
    assert len(again.groups) == 4 and page.count('| 2.00 |') == 2 * 10


def test_changed_settings_are_measured_again(tmp_path):
    suite(tmp_path, StubbedRunner(), sections=[precisions])
    again, fresh = StubbedRunner(), StubbedRunner()
    suite(tmp_path, again, sections=[precisions], threads=2)
    assert len(again.names) == len(precisions.NETWORKS)
    suite(tmp_path, fresh, sections=[precisions], threads=2, fresh=True)
    assert fresh.names == again.names


def test_a_part_of_the_tables(tmp_path):
    """Says where it was measured itself; what is said of all the tables stays."""
    suite(tmp_path, StubbedRunner(), threads=1)
    before = (tmp_path / 'page.md').read_text()
    page = suite(tmp_path, StubbedRunner(), sections=[precisions], threads=3, fresh=True)
    # made-up results have two threads
    assert page == before and page.count('Measured on Some CPU') == len(SECTIONS)
    assert 'torch 2.13.0' in page


def test_pages_without_a_place(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('# Speed\n')
    with pytest.raises(ConfigError, match='begin machine'):
        run_suite(page, tmp_path / 'bench', runner=StubbedRunner())


def test_a_page_for_another_machine(tmp_path):
    """With some of the tables; versions are said where all of them are."""
    page = tmp_path / 'page.md'
    page.write_text('<!-- begin precisions -->\n<!-- end precisions -->\n')
    run_suite(page, tmp_path / 'bench', sections=[precisions], runner=StubbedRunner())
    assert 'Measured on Some CPU' in page.read_text()


QUICK = {**TINY, 'size': (32, 32)}


@pytest.mark.parametrize(
    'kind, settings',
    [
        (MEASURE, Settings(**QUICK)),
        (TURNS, dict(a=Settings(**QUICK), b=Settings(**QUICK, mode='folded'))),
        (OPERATORS, Settings(**QUICK)),
    ],
)
def test_jobs_in_a_process(tmp_path, kind, settings):
    job = Job('one', settings, kind)
    path, log = jobs.result_path(job, tmp_path), jobs.log_path(job, tmp_path)
    jobs.run([job], tmp_path)
    result = jobs.kept(job, path)
    assert result, log.read_text()
    if kind == MEASURE:
        check_schema(result)
    elif kind == TURNS:
        assert list(result['ways']) == ['a', 'b'] and result['ways']['a']['ratio'] == 1
    else:
        assert result['kinds']
    assert result['machine'] in measured_on([result])
    assert jobs.kept(Job('one', Settings(**QUICK, batch=2)), path) is None


def test_jobs_that_fail(tmp_path):
    """Those after it in the same process do not."""
    gone = Job('one', Settings('gone'), process='both')
    other = Job('two', Settings(**QUICK), process='both')
    jobs.run([gone, other], tmp_path)
    assert "no network 'gone'" in (tmp_path / 'both.log').read_text()
    assert jobs.kept(gone, jobs.result_path(gone, tmp_path)) is None
    assert jobs.kept(other, jobs.result_path(other, tmp_path))
