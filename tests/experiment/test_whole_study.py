"""From a plan to LaTeX and figures: three families, two seeds, killed twice on the way."""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from hybrid_backbones.experiment.runs import runs_of
from hybrid_backbones.experiment.state import is_locked, read_state
from hybrid_backbones.experiment.study import read_study
from tests.experiment.drawn import draw_start
from tests.tools.commands import run, start

ROWS = ('hrformer_t', 'uniformer_xxs', 'cvt_13')
CONFIGS = [f'semanticfpn_{name}_80k_ade20k' for name in ROWS]
OPTIONS = (
    'train_cfg.max_iters=8',
    'train_cfg.val_interval=4',
    'default_hooks.checkpoint.interval=4',
    'default_hooks.logger.interval=1',
    'val_dataloader.dataset.indices=4',
    'test_dataloader.dataset.indices=4',
)
LITTLE_MEMORY = """\
_base_ = [__import__('hybrid_backbones').config_path('semanticfpn_hrformer_t_80k_ade20k')]
custom_imports = dict(imports=['tests.experiment.simulated'])
custom_hooks = [dict(type='mmengine.LittleMemory', most=2)]
"""
HB = (sys.executable, '-m', 'hybrid_backbones', 'experiment')

pytestmark = pytest.mark.slow


def children(process):
    path = Path(f'/proc/{process.pid}/task/{process.pid}/children')
    return [int(word) for word in path.read_text(encoding='utf-8').split()]


def wait_for(condition, process, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A study that is done, and was killed twice before."""
    for package in ('mmseg', 'scipy', 'matplotlib'):
        pytest.importorskip(package)
    if not Path('/proc/self/task').is_dir():
        pytest.skip('needs /proc')
    folder = tmp_path_factory.mktemp('study')
    (folder / 'little_memory.py').write_text(LITTLE_MEMORY)
    words = ['plan', *CONFIGS, 'little_memory.py', '--seeds', '0,1', '--mini', '--jobs', '2']
    words += ['--halve-batch', '--steps', '0', '-o', 'study.yml', '--cfg-options', *OPTIONS]
    planned = run(folder, *HB, *words)
    assert planned.returncode == 0, planned.stderr
    study = read_in(folder)
    first = runs_of(study)[0].folder
    # everything is killed after a checkpoint, in the middle of a training
    process = start(folder, *HB, 'run', 'study.yml')
    wait_for(lambda: (folder / first / 'iter_4.pth').exists(), process)
    for pid in (process.pid, *children(process)):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    wait_until_free(folder, study)
    assert read_state(folder / first).status == 'torn'
    # and once more, by one who waits until all is saved
    process = start(folder, *HB, 'run', 'study.yml')
    wait_for(lambda: read_state(folder / first).status == 'done', process)
    process.terminate()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM and 'the same command goes on' in said
    finished = run(folder, *HB, 'run', 'study.yml', timeout=1200)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert '8 of 8 runs are done' in finished.stdout
    return folder


def read_in(folder):
    return read_study(folder / 'study.yml')


def wait_until_free(folder, study):
    until = time.monotonic() + 30
    while any(is_locked(folder / each.folder) for each in runs_of(study)):
        assert time.monotonic() < until
        time.sleep(0.1)


def gathered(folder):
    return json.loads((folder / 'work_dirs' / 'study' / 'results.json').read_text())


def test_runs(folder):
    """All went to their end, from where they were."""
    result = run(folder, *HB, 'gather', 'study.yml')
    assert result.returncode == 0, result.stderr
    content = gathered(folder)
    assert len(content['runs']) == 8
    for each in content['runs']:
        assert (each['status'], each['done'], each['total']) == ('done', 8, 8)
        assert 0 <= each['last']['mIoU'] <= 100
        assert each['seconds_per_step'] > 0 and each['peak_memory'] > 10**8
        attempts = read_state(folder / each['folder']).attempts
        killed = any(attempt.status is None for attempt in attempts)
        steps = [step for step, _ in each['curves']['mIoU']]
        # an evaluation that a kill has interrupted is not made up for
        assert steps == [4, 8] or (killed and steps == [8])
    output = (folder / runs_of(read_in(folder))[0].folder / 'output.log').read_text()
    assert re.search(r'resuming from .*iter_4.pth, after iteration 4', output)


def test_out_of_memory(folder):
    run(folder, *HB, 'gather', 'study.yml')
    for each in gathered(folder)['runs']:
        halved = each['name'] == 'little_memory'
        assert each['halved'] == halved and each['batch'] == (2 if halved else 4)
        assert any('half the batch' in mark for mark in each['marks']) == halved
    state = read_state(folder / 'work_dirs' / 'study' / 'little_memory' / 'seed_0')
    kinds = [attempt.kind for attempt in state.attempts if attempt.kind != 'stopped']
    assert kinds == ['out of memory', 'done', 'done']


def test_a_table_beside_a_run_of_another_version(folder):
    draw_start(folder / 'theirs' / 'resnet', torch='1.13.1')
    words = ['table', 'study.yml', '--format', 'latex', '-o', 'table.tex', '--also', 'theirs']
    result = run(folder, *HB, *words)
    assert result.returncode == 0, result.stderr
    text = (folder / 'table.tex').read_text()
    assert text.count(' to ') >= 3  # ranges
    assert r'resnet\dag{}' in text and 'torch 1.13.1, not' in text
    assert r'little\_memory\dag{}' in text
    assert text.count(r'\textbf{') >= 1


def test_figures(folder):
    result = run(folder, *HB, 'plot', 'study.yml')
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (folder / 'work_dirs' / 'study' / 'figures').iterdir()}
    figures = ('mIoU_over_params', 'mIoU_over_flops', 'mIoU_curves')
    assert names == {f'{name}.{kind}' for name in figures for kind in ('pdf', 'png')}


def test_two_processes(folder):
    """The same study by torchrun, on the CPU."""
    words = ['run', 'study.yml', '--launcher', 'torchrun', '--gpus', '2', '--jobs', '1']
    text = (folder / 'study.yml').read_text() + '\nout: work_dirs/two\n'
    (folder / 'two.yml').write_text(text)
    words[1] = 'two.yml'
    result = run(folder, *HB, *words, '--only', f'{CONFIGS[0]}/seed_0', timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    log = folder / 'work_dirs' / 'two' / CONFIGS[0] / 'seed_0' / 'output.log'
    assert 'GPU number: 2' in log.read_text()


def test_latency(folder):
    """Measured here and kept; of one model, since it takes a while."""
    text = (folder / 'study.yml').read_text().partition('configs:')[0]
    (folder / 'one.yml').write_text(f'{text}configs: [{CONFIGS[0]}]\nout: work_dirs/study\n')
    result = run(folder, *HB, 'plot', 'one.yml', '--latency', '-o', 'one')
    assert result.returncode == 0, result.stderr
    assert (folder / 'one' / 'mIoU_over_latency.pdf').is_file()
    (cost,) = json.loads((folder / 'work_dirs' / 'study' / 'costs.json').read_text()).values()
    assert 0.001 < cost['latency'] < 60 and cost['machine']
