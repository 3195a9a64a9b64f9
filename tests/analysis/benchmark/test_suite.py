"""The table of all backbones, on the CPU: order, budget, memory that runs out, going on, text."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from hybrid_backbones import list_backbones
from hybrid_backbones.analysis.benchmark import timing
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.analysis.benchmark.suite import one_row, out_of_memory, peers, run
from hybrid_backbones.analysis.benchmark.suite.out_of_memory import is_out_of_memory, largest_batch
from hybrid_backbones.analysis.benchmark.suite.plan import (
    Plan,
    Row,
    check_plan,
    chosen_backbones,
    rows_of,
)
from hybrid_backbones.analysis.benchmark.suite.precise import without_tf32
from hybrid_backbones.analysis.benchmark.suite.record import Record
from hybrid_backbones.analysis.benchmark.suite.run import run_suite
from hybrid_backbones.analysis.benchmark.suite.table import is_complete, notes, suite_table
from hybrid_backbones.complexity import count_flops
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.create import create_backbone

TINY = Plan(
    ('uniformer_xxs',),
    size=(32, 64),
    batches=(1, 2),
    dtypes=('float32',),
    modes=('eager', 'folded'),
    device='cpu',
    repeats=1,
    warmup=1,
)
FAMILIES = ('conformer', 'cvt', 'hrformer', 'transxnet', 'uniformer')


class OutOfMemory:
    """Lets a network's step end as a card's does, with more images than it has room for."""

    def __init__(self, monkeypatch, room, error=None):
        self.calls = []
        self.error = error or torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate')

        class LimitedStep(timing.Step):
            def __call__(step):
                self.calls.append(len(step.image))
                if len(step.image) > room:
                    raise self.error
                super().__call__()

        for module in (one_row, out_of_memory):
            monkeypatch.setattr(module, 'Step', LimitedStep)


# -- rows and their order


def test_all_rows():
    """Every backbone in every way that is possible; no training of what is folded."""
    plan = Plan(tuple(list_backbones()), ('resnet50',))
    rows = rows_of(plan)
    assert len({row.key for row in rows}) == len(rows)
    of_each = 2 * 2 * (3 + 2)  # batches, types, modes of inference and of training
    assert len(rows) == 27 * of_each + 2 * 2 * 2
    assert not [row for row in rows if row.what == 'training' and 'folded' in row.mode]
    assert {row.mode for row in rows if row.network == 'resnet50'} == {'eager'}


def test_the_most_telling_rows_come_first():
    plan = Plan(tuple(list_backbones()), ('resnet50',))
    rows = rows_of(plan)
    first = [row for row in rows if row.largest and row.dtype == 'bfloat16']
    plain = [row for row in first if row.mode != 'compiled']
    assert rows[: len(plain)] == plain
    begin = dict.fromkeys(row.network for row in rows)
    assert [name.partition('_')[0] for name in list(begin)[:6]] == ['resnet50', *FAMILIES]
    compiled = rows[len(plain) : len(plain) + 5]  # minutes each: one of each family
    assert {row.mode for row in compiled} == {'compiled'}
    assert [row.network.partition('_')[0] for row in compiled] == list(FAMILIES)
    last = rows.index(next(row for row in rows[len(plain) + 5 :] if row.mode == 'compiled'))
    assert {row.mode for row in rows[last:]} == {'compiled'}


def test_chosen_backbones():
    assert chosen_backbones(()) == tuple(list_backbones())
    assert chosen_backbones(('uniformer_s', 'cvt_*', 'cvt_13')) == (
        *('uniformer_small', 'cvt_13', 'cvt_21', 'cvt_w24'),
    )
    with pytest.raises(ConfigError, match="no backbone 'resnet50'"):
        chosen_backbones(('resnet50',))


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(batches=(1, 4, 2)), '`batches` must rise, got 1 4 2'),
        (dict(batches=(2, 2)), '`batches` must rise'),
        (dict(modes=('folded',), whats=('training',)), 'a folded network does not train'),
        (dict(size=(16, 64)), '`size` must be at least 32x32'),
    ],
)
def test_plans_that_cannot_be(changes, message):
    with pytest.raises(ConfigError, match=message):
        check_plan(replace(TINY, **changes))


# -- memory that runs out


@pytest.mark.parametrize(
    'error, expected',
    [
        (torch.cuda.OutOfMemoryError('CUDA out of memory.'), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"), True),
        (RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate'), True),
        (MemoryError(), True),
        (RuntimeError('CUDA error: an illegal memory access was encountered'), False),
        (ValueError('out of memory'), False),
    ],
)
def test_what_says_that_memory_ran_out(error, expected):
    assert is_out_of_memory(error) is expected


def test_a_real_lack_of_memory():
    """An allocation that no machine has room for ends in what is known."""
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)


@pytest.mark.parametrize(
    'room, expected, tried',
    [(5, 4, [1, 2, 4, 8]), (1, 1, [1, 2]), (0, None, [1]), (100, 8, [1, 2, 4, 8])],
)
@pytest.mark.parametrize('what', ['inference', 'training'])
def test_largest_batch(monkeypatch, what, room, expected, tried):
    """Each number until memory runs out, once."""
    steps = OutOfMemory(monkeypatch, room)
    settings = Settings('uniformer_xxs', size=(32, 32), what=what, threads=1)
    assert largest_batch(settings, (1, 2, 4, 8)) == expected
    assert steps.calls == tried


def test_other_failures_are_no_lack_of_memory(monkeypatch):
    OutOfMemory(monkeypatch, 0, RuntimeError('an illegal memory access was encountered'))
    with pytest.raises(RuntimeError, match='illegal memory access'):
        largest_batch(Settings('uniformer_xxs', size=(32, 32), threads=1), (1, 2))


# -- one row


def test_a_row():
    plan = TINY
    row = Row('uniformer_xxs', 'inference', 'float32', 'eager', True)
    result = one_row.measure_row(plan.settings(row, 2, 'uniformer_xxs'), rate=1e9)
    macs = count_flops(create_backbone('uniformer_xxs'), *plan.size)
    assert result['gmacs'] * 1e9 == pytest.approx(2 * macs)
    seconds = result['seconds']['median']
    assert result['images_per_second'] == pytest.approx(2 / seconds)
    assert result['share'] == pytest.approx(2 * 2 * macs / seconds / 1e9)
    assert result['order'] == ['network', 'against']
    assert result['memory_gib'] is None, "a process that did other things has no network's memory"
    assert json.loads(json.dumps(result)) is not None


@pytest.mark.parametrize(
    'error, reason',
    [
        (torch.cuda.OutOfMemoryError('CUDA out of memory.'), one_row.NO_ROOM),
        (ValueError('it is\nill'), 'the reference failed: ValueError: it is ill'),
    ],
)
def test_no_reference(monkeypatch, error, reason):
    """The network is measured alone then."""

    class Full(timing.Step):
        def __call__(step):
            if next(step.module.parameters()).numel() == 7 * 7 * 3 * 64:  # a Conformer's stem
                raise error
            super().__call__()

    monkeypatch.setattr(one_row, 'Step', Full)
    settings = replace(
        TINY.settings(rows_of(TINY)[0], 1),
        network='uniformer_xxs',
        against='conformer_tiny_patch16',
    )
    result = one_row.measure_row(settings, rate=1e9)
    assert result['against'] is None
    assert result['no_reference'] == reason
    assert result['images_per_second'] > 0


def test_memory_of_a_gpu(monkeypatch):
    """Of the second step, beside what was there before the network."""
    events = []
    fake = SimpleNamespace(
        memory_allocated=lambda: 3 * 2**30,
        max_memory_allocated=lambda: 7 * 2**30,
        reset_peak_memory_stats=lambda: events.append('reset'),
    )
    monkeypatch.setattr(one_row.torch, 'cuda', fake)

    class Counted:
        image = SimpleNamespace(device=torch.device('cuda'))

        def prepare(self):
            events.append('prepare')

        def __call__(self):
            events.append('step')

    assert one_row._memory(Counted(), 2**30) == dict(before=2.0, peak=6.0, growth=4.0)
    assert events == ['prepare', 'step', 'prepare', 'reset', 'step']


def test_tf32_is_off_inside_and_as_it_was_after():
    switch = torch.backends.cudnn
    before = switch.allow_tf32
    try:
        switch.allow_tf32 = True
        with pytest.raises(KeyError), without_tf32():
            assert not switch.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
            raise KeyError
        assert switch.allow_tf32
    finally:
        switch.allow_tf32 = before


# -- all rows


class Clock:
    """Tells the times that it was given, then the last of them."""

    def __init__(self, *times):
        self.times = list(times)

    def __call__(self):
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


def test_the_whole_suite(tmp_path):
    """Rows of two batches and both tasks; nothing is left, and nothing is measured twice."""
    path = tmp_path / 'new' / 'suite.json'
    told = []
    record = run_suite(TINY, path, 10, tell=lambda row, result, left: told.append(left))
    assert told == [5, 4, 3, 2, 1, 0]
    assert set(record.rows) == {row.key for row in rows_of(TINY)}
    assert is_complete(TINY, record)
    assert record.largest == {
        f'uniformer_xxs {what} float32': 2 for what in ('inference', 'training')
    }
    for key, result in record.rows.items():
        assert result['settings']['batch'] == (2 if 'largest' in key else 1)
    content = json.loads(path.read_text(encoding='utf-8'))
    assert content['rows'] == json.loads(json.dumps(record.rows))
    before = path.read_bytes()
    again = run_suite(TINY, path, 10, tell=lambda *_: pytest.fail('it was there'))
    assert again.rows == content['rows'] and path.read_bytes() == before


def test_time_is_up(tmp_path, monkeypatch):
    """What was begun is finished and written; the next call goes on with the next row."""
    begun = []

    def measure_row(settings, rate):
        begun.append(settings)
        return made_up(settings)

    monkeypatch.setattr(run.one_row, 'measure_row', measure_row)
    monkeypatch.setattr(run, 'largest_batch', lambda *_: 2)
    path = tmp_path / 'suite.json'
    record = run_suite(TINY, path, 1, clock=Clock(0, 0, 59, 60))
    assert len(begun) == len(record.rows) == 2
    assert not is_complete(TINY, record)
    assert '4 of 6 rows are not measured yet: time was up.' in notes(TINY, record, {})[-1]
    assert len(suite_table(TINY, record).splitlines()) == 2 + 2
    run_suite(TINY, path, 1)
    assert len(begun) == 6
    assert len({str(each) for each in begun}) == 6


def test_out_of_memory_is_a_row(tmp_path, monkeypatch):
    """With its reason, and no number; it is not tried again."""
    OutOfMemory(monkeypatch, 1)
    path = tmp_path / 'suite.json'
    record = run_suite(TINY, path, 10)
    lines = suite_table(TINY, record).splitlines()[2:]
    assert len(lines) == 6
    for line in lines:
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if cells[3] == 'largest':
            assert cells[5:] == ['-', '-', '-', 'out of memory with more than 1']
        else:
            assert cells[3] == '1' and float(cells[5]) > 0
    assert is_complete(TINY, record), 'there is no more to be measured'
    run_suite(TINY, path, 10, tell=lambda *_: pytest.fail('it was tried again'))


def test_not_even_one_image(tmp_path, monkeypatch):
    OutOfMemory(monkeypatch, 0)
    record = run_suite(TINY, tmp_path / 'suite.json', 10)
    assert {result['reason'] for result in record.rows.values()} == {'out of memory'}
    assert suite_table(TINY, record).count('| - | - | - | out of memory |') == 6


def test_failures_stop_nothing_and_are_tried_again_last(tmp_path, monkeypatch):
    failing = {'folded'}

    def measure_row(settings, rate):
        if settings.mode in failing:
            raise RuntimeError('Triton\nis ' + 'very ' * 200 + 'ill')
        return made_up(settings)

    monkeypatch.setattr(run.one_row, 'measure_row', measure_row)
    monkeypatch.setattr(run, 'largest_batch', lambda *_: 2)
    path = tmp_path / 'suite.json'
    record = run_suite(TINY, path, 10)
    failed = [key for key, result in record.rows.items() if result.get('failed')]
    assert len(record.rows) == 6 and len(failed) == 2
    reason = record.rows[failed[0]]['reason']
    assert reason.startswith('RuntimeError: Triton is very very') and len(reason) == one_row.LONGEST
    assert not is_complete(TINY, record)
    del record.rows[rows_of(TINY)[-1].key]
    record.write()
    tried = []
    failing.clear()
    record = run_suite(TINY, path, 10, tell=lambda row, *_: tried.append(row.key))
    assert tried == [rows_of(TINY)[-1].key, *failed]
    assert is_complete(TINY, record)


def test_a_gpu_that_has_stopped_working(tmp_path, monkeypatch):
    """The rows before are kept; no other row is told to have failed."""
    done = []

    def measure_row(settings, rate):
        if done:
            raise RuntimeError('CUDA error: an illegal memory access was encountered')
        done.append(settings)
        return made_up(settings)

    def synchronise():
        raise RuntimeError('CUDA error: an illegal memory access was encountered')

    monkeypatch.setattr(run.one_row, 'measure_row', measure_row)
    monkeypatch.setattr(run, 'largest_batch', lambda *_: 2)
    monkeypatch.setattr(run, 'matmul_rate', lambda *_: 1e12)
    monkeypatch.setattr(run, 'machine', lambda _: 'Some GPU')
    monkeypatch.setattr(run, 'check_plan', lambda _: None)
    monkeypatch.setattr(run.torch.cuda, 'synchronize', synchronise)
    path = tmp_path / 'suite.json'
    with pytest.raises(
        ConfigError, match=r'the GPU has stopped working .* illegal memory'
    ) as error:
        run_suite(replace(TINY, device='cuda'), path, 10)
    assert '\n' not in str(error.value) and str(path) in str(error.value)
    rows = json.loads(path.read_text(encoding='utf-8'))['rows']
    assert [bool(result.get('failed')) for result in rows.values()] == [False, True]


def test_another_setup(tmp_path):
    """Numbers of two machines, or of two sizes, do not come into one table."""
    path = tmp_path / 'suite.json'
    Record(path, dict(machine='A', size=[32, 64])).write()
    for setup, part in (
        (dict(machine='B', size=[32, 64]), r'another setup \(machine: A, now B\)'),
        (dict(machine='A', size=[64, 64]), r'another setup \(size: \[32, 64\], now \[64, 64\]\)'),
    ):
        with pytest.raises(ConfigError, match=part):
            Record(path, setup)


@pytest.mark.parametrize(
    'text', ['', '{"rows": {', '[]', '{"results": []}', '{"setup": {}, "format": 2}']
)
def test_another_file(tmp_path, text):
    """It is refused, and stays."""
    path = tmp_path / 'other.json'
    path.write_text(text)
    with pytest.raises(ConfigError, match='is no file of this suite'):
        run_suite(TINY, path, 10)
    assert path.read_text() == text


# -- text


def made_up(settings, **changes):
    against = settings.against and dict(network=settings.against, ratio=0.5)
    return dict(
        settings=dict(batch=settings.batch),
        images_per_second=1234.56,
        share=0.345,
        memory_gib=dict(before=0.1, peak=12.345, growth=12.2),
        against=against,
        no_reference=None,
        **changes,
    )


def test_table(tmp_path):
    plan = replace(TINY, peers=('resnet50',), modes=('eager',), whats=('inference',))
    setup = dict(run.setup_of(plan), machine='Some GPU', versions={'torch': '2.9', 'CUDA': None})
    record = Record(tmp_path / 'suite.json', setup)
    theirs, ours = (row for row in rows_of(plan) if row.largest)
    record.rows[theirs.key] = made_up(plan.settings(theirs, 64))
    record.rows[ours.key] = made_up(plan.settings(ours, 64, 'resnet50'))
    small = next(row for row in rows_of(plan) if not row.largest and row.network != 'resnet50')
    record.rows[small.key] = dict(reason='TritonError: ill', failed=True)
    lines = suite_table(plan, record).splitlines()
    assert 'time beside `resnet50`' in lines[0]
    assert lines[2:] == [
        '| `resnet50` | inference | float32 | 64 | eager | 1235 | 12.35 | 34% | - |  |',
        '| `uniformer_xxs` | inference | float32 | 1 | eager | - | - | - | - | TritonError: ill |',
        '| `uniformer_xxs` | inference | float32 | 64 | eager | 1235 | 12.35 | 34% | 0.50 x |  |',
    ]
    below = notes(plan, record, {'timm:swin-t': 'needs timm: pip install timm'})
    assert below[0] == 'Some GPU; torch 2.9.'
    assert 'Not here: timm:swin-t: needs timm: pip install timm.' in below


# -- networks of other packages


def test_peers_that_are_not_here(monkeypatch):
    """Of two ways to have a network one is enough; the reason names what is missing."""

    def build_network(name):
        if name == 'torchvision:swin-t':
            raise ImportError("No module named 'torchvision'", name='torchvision')
        if name == 'mmpose:HRFormer-small':
            raise AttributeError('module has\nno such thing')

    monkeypatch.setattr(peers, 'build_network', build_network)
    found, missing = peers.peers_here()
    assert found == ('resnet50', 'timm:swin-t')
    assert missing == {'mmpose:HRFormer-small': 'module has no such thing'}


def test_swin():
    pytest.importorskip('torchvision')
    from hybrid_backbones.analysis.benchmark.networks import build_network, tensors

    network = build_network('torchvision:swin-t')
    with torch.inference_mode():
        (level,) = tensors(network.module(torch.randn(1, 3, 64, 96)))
    assert level.shape == (1, 2, 3, 768)
    # 4.5 G in the paper (table 1a), with the classifier's 0.77 M
    assert network.flops(224, 224) == pytest.approx(4.5e9, rel=0.01)


# -- the command

SUITE = ('benchmark', '--suite', 'gpu')
ON_CPU = ('--device', 'cpu', '--size', '32x64', '--repeats', '1', '--warmup', '1')


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu(command, tmp_path):
    assert 'needs a GPU that torch sees' in command(*SUITE).refusal
    assert not list(tmp_path.iterdir())


def test_command(command, monkeypatch, tmp_path):
    """With torch alone; a budget that is too short is an exit status of 1."""
    monkeypatch.setattr(peers, 'peers_here', lambda: ((), {'resnet50': 'needs MMDetection'}))
    words = (*SUITE, *ON_CPU, '--batches', '1', '2', '--dtype', 'float32', '--mode', 'eager')
    words = (*words, '--task', 'inference', 'uniformer_xxs')
    result = command(*words)
    assert result.status == 0, result.err
    assert result.out.count('| `uniformer_xxs` | inference | float32 | ') == 2
    assert 'Not here: resnet50: needs MMDetection.' in result.out
    assert [line.rpartition('; ')[2] for line in result.err.splitlines()] == [
        '1 rows left',
        '0 rows left',
    ]
    rows = json.loads((tmp_path / 'work_dirs' / 'benchmark_gpu.json').read_text())['rows']
    assert len(rows) == 2
    again = command(*words)
    assert (again.status, again.out, again.err) == (0, result.out, '')
    short = command(*words, '--json', 'other.json', '--minutes', '1e-9')
    assert short.status == 1
    assert '2 of 2 rows are not measured yet' in short.out


@pytest.mark.parametrize(
    'arguments, part',
    [
        (['--batch', '2'], '--batch is of a single measurement, not of --suite gpu'),
        (['--no-memory'], '--no-memory is of a single'),
        (['--csv', 'a.csv'], '--csv is of a single'),
        (['--against', 'resnet50'], '--against is of a single'),
        (['--options', 'a=1'], '--options is of a single'),
        (['--minutes', '0'], 'must be more than 0 minutes'),
        (['--minutes', 'soon'], 'must be a number'),
        (['--batches', '0'], 'at least 1'),
        ([*ON_CPU, '--batches', '2', '1'], '--batches must rise, got 2 1'),
        ([*ON_CPU, '--size', '32x32', '64x64'], '--suite gpu takes one --size'),
        ([*ON_CPU, '--mode', 'folded', '--task', 'training'], 'a folded network does not train'),
        ([*ON_CPU, 'resnet50'], "no backbone 'resnet50'"),
    ],
)
def test_refusals(command, tmp_path, monkeypatch, arguments, part):
    monkeypatch.setattr(peers, 'peers_here', lambda: ((), {}))
    assert part in command(*SUITE, *arguments).refusal
    assert not list(tmp_path.iterdir())


def test_without_a_network(command):
    assert 'name a NETWORK, or --suite gpu' in command('benchmark').refusal
    refusal = command('benchmark', 'cvt_13', '--batches', '1', '2').refusal
    assert '--batches is of --suite gpu: one network has a --batch' in refusal
