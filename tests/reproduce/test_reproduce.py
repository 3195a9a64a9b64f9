"""Published models tested again: what is at hand, the verdicts, and the files that are written."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.reproduce import csv_table, markdown_table, text_table
from hybrid_backbones.reproduce.metafiles import write_metafiles
from hybrid_backbones.reproduce.process import run_alone
from hybrid_backbones.reproduce.runs import Run, find_runs
from hybrid_backbones.reproduce.verdict import all_good, judge
from hybrid_backbones.zoo.model_files import ModelFile, check_hash, list_model_files
from tests.tools.commands import PROJECT, environment, start
from tests.weights.test_whole_models import write

FILE = ModelFile('maskrcnn_a', 'a.pth', 'https://page/a', 'any', 'MIT', {'box AP': 45.6})
MEASURED = dict(
    metrics={'box AP': 45.6},
    tested=5000,
    rate=12.5,
    peak_memory=3 << 30,
    machine='a card',
    versions={'torch': '2.13.0'},
    sha256='ab' * 32,
    data='data/coco',
    notes=[],
)


def row(published=None, **changes):
    run = Run(FILE, False, published or {'box AP': 45.6})
    return judge(run, {**MEASURED, **changes})


@pytest.mark.parametrize(
    'metric, published, measured, verdict',
    [
        ('box AP', 45.6, 45.6, 'reproduced'),
        ('box AP', 45.6, 45.7, 'reproduced'),
        ('box AP', 45.6, 45.54, 'reproduced'),
        ('box AP', 45.6, 45.4, 'differs'),
        ('box AP', 45.6, 45.8, 'differs'),
        ('mIoU', 46.6, 46.81, 'reproduced'),
        ('mIoU', 46.6, 46.9, 'differs'),
        ('mIoU', 46.6, 46.3, 'differs'),
    ],
)
def test_verdicts(metric, published, measured, verdict):
    found = row({metric: published}, metrics={metric: measured})
    assert found.verdict == verdict
    assert all_good([found]) == (verdict == 'reproduced')
    assert found.reason == ('' if found.good else f'by more than rounding: {metric}')


def test_other_outcomes():
    assert row(data='synthetic', metrics={'box AP': 0.0}).verdict == 'synthetic data'
    assert row({'box AP': 45.6, 'mask AP': 40.0}).reason == 'the test gave no mask AP'
    failed = judge(Run(FILE, False, {'box AP': 45.6}), dict(failed='it is torn', log='x.log'))
    assert (failed.verdict, failed.reason) == ('failed', 'it is torn; see x.log')


def test_tables():
    rows = [row(), judge(Run(FILE, True, {'mIoU': 50.0}), dict(failed='it is torn'))]
    text = text_table(rows).splitlines()
    assert text[1].split() == [
        *('maskrcnn_a', 'box', 'AP', '45.6', '45.6', '+0.0', '12.50', '3.00', 'reproduced')
    ]
    assert text[-1] == 'maskrcnn_a--a--tta: failed: it is torn'
    assert text[0].index('verdict') == text[1].index('reproduced')
    page = markdown_table(rows)
    assert '| maskrcnn_a | a.pth | mIoU, TTA | 50.0 |  |  |  |  |  | failed |' in page
    assert '- torch 2.13.0\n- a card\n- `maskrcnn_a--a--tta`: failed: it is torn\n' in page
    assert csv_table(rows).splitlines()[1].endswith(f'{"ab" * 32},reproduced,,a card,torch 2.13.0')


def test_hashes_in_names():
    file = ModelFile('a', 'hrt-ecf0758d_20220228.pth', 'x', 'any', 'MIT', {})
    assert check_hash(file, 'ecf0758d' + '0' * 56) == ''
    assert 'begins with 00000000, that of the published file with ecf0758d' in check_hash(
        file, '0' * 64
    )
    assert check_hash(FILE, '0' * 64) == ''


def test_files_and_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (run,) = find_runs('retinanet_transxnet_t_1x', mini=True)
    assert run.waits_for == (
        'save it as pretrained/retinanet_tiny.pth, from '
        'https://github.com/LMMMEng/TransXNet/releases/download/v1.0/retinanet_tiny.pth'
    )
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'retinanet_tiny.pth').touch()
    (run,) = find_runs('retinanet_transxnet_t_1x', weights_dir='mine', mini=True)
    assert (run.checkpoint, run.waits_for) == (Path('mine/retinanet_tiny.pth'), '')
    (run,) = find_runs('retinanet_transxnet_t_1x', weights_dir='mine')
    assert run.waits_for == ('no data: data/coco/annotations/instances_val2017.json not found')
    for root in ('sets', 'sets/coco'):  # of all datasets, and of this one
        for part in ('annotations/instances_val2017.json', 'val2017/x'):
            path = tmp_path / 'sets' / 'coco' / part
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (run,) = find_runs('retinanet_transxnet_t_1x', weights_dir='mine', data_root=root)
        assert (run.data_root, run.waits_for) == ('sets/coco', '')
    with pytest.raises(ConfigError, match="no published model has a config like 'x\\*'"):
        find_runs('x*')
    with pytest.raises(ConfigError, match='`weights_dir` must be a folder, there is none at no'):
        find_runs(weights_dir='no')


def test_every_result_is_tested():
    runs = find_runs(mini=True, tta=True)
    assert len({run.name for run in runs}) == len(runs)
    assert sum(len(run.published) for run in runs) == sum(
        len(file.metrics) for file in list_model_files()
    )
    assert not any('(' in name for run in runs for name in run.published)


def test_metafiles(tmp_path):
    folder = tmp_path / 'configs' / 'metafiles'
    shutil.copytree(PROJECT / 'configs' / 'metafiles', folder)
    files = list_model_files('maskrcnn_uniformer_s_1x') + list_model_files('ocr_hrformer_s_80k*')
    metrics = {'box AP': 45.62, 'mask AP': 41.6}
    rows = [
        judge(Run(files[0], False, files[0].metrics), {**MEASURED, 'metrics': metrics}),
        judge(Run(files[1], False, {'mIoU': 80.0}), {**MEASURED, 'metrics': {'mIoU': 80.1}}),
        judge(Run(files[1], True, {'mIoU': 81.0}), {**MEASURED, 'metrics': {'mIoU': 70.0}}),
    ]
    before = {path: path.read_text() for path in folder.glob('*.yml')}
    changed = write_metafiles(rows, str(tmp_path))
    assert [path.name for path in changed] == ['hrformer.yml', 'uniformer.yml']
    for path, text in before.items():
        old = {model['Name']: model for model in yaml.safe_load(text)['Models']}
        new = {model['Name']: model for model in yaml.safe_load(path.read_text())['Models']}
        differs = [name for name in old if old[name] != new[name]]
        expected = {
            'uniformer.yml': 'box AP 45.6, mask AP 41.6',
            'hrformer.yml': 'mIoU 80.1',
        }.get(path.name)
        assert len(differs) == (1 if expected else 0)
        for name in differs:
            assert new[name]['Reproduced'] == f'published weights tested: {expected}'
    assert write_metafiles(rows, str(tmp_path)) == []


def test_a_failure_is_one_line(tmp_path):
    settings = dict(config='none_such', checkpoint='x.pth', work_dir=str(tmp_path / 'work'))
    run_alone(settings, tmp_path / 'logs' / 'a.log', tmp_path / 'a.json')
    assert "no config 'none_such'" in json.loads((tmp_path / 'a.json').read_text())['failed']


def reproduce(folder, *arguments):
    return start(folder, sys.executable, '-m', 'hybrid_backbones', 'reproduce', *arguments)


def finished(folder):
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob('out/tests/*.json')}


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.extended
def test_to_the_end(tmp_path):
    """Six files: three good ones, a torn one, a web page, and one of another model."""
    pytest.importorskip('mmpose')
    weights = tmp_path / 'weights'
    weights.mkdir()
    good = (
        'retinanet_transxnet_t_1x',
        'semanticfpn_uniformer_xxs_80k_ade20k',
        'topdown_uniformer_s_210e_coco_256x192',
    )
    names = {file.config: file.file for file in reversed(list_model_files())}
    for name in good:
        write(name, weights).rename(weights / names[name])
    torn = (weights / names[good[1]]).read_bytes()
    (weights / names['retinanet_transxnet_s_1x']).write_bytes(torn[: len(torn) // 2])
    (weights / names['retinanet_transxnet_b_1x']).write_text('<!DOCTYPE html><html>sign in</html>')
    shutil.copy(weights / names[good[1]], weights / names['semanticfpn_uniformer_xs_80k_ade20k'])
    arguments = ('[rst][eo]*_[tu]*_*', '--weights-dir', 'weights', '--mini', '--out', 'out')

    process = reproduce(tmp_path, *arguments)
    wait_for(
        lambda: any(
            'failed' not in json.loads(p.read_text())
            for p in (tmp_path / 'out' / 'tests').glob('*.json')
        )
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = {
        path.stem: path.stat().st_mtime_ns
        for path in (tmp_path / 'out' / 'tests').glob('*.json')
        if 'failed' not in json.loads(path.read_text())
    }
    assert 1 <= len(first) < 3

    out, _ = reproduce(tmp_path, *arguments).communicate(timeout=300)
    assert {name: finished(tmp_path)[name] for name in first} == first
    lines = {line.split(':')[0]: line for line in out.splitlines() if ': failed: ' in line}
    assert 'is no checkpoint, or damaged' in lines['retinanet_transxnet_s_1x--retinanet_small']
    assert 'is a web page, not a checkpoint' in lines['retinanet_transxnet_b_1x--retinanet_base']
    assert 'is no checkpoint of' in lines['semanticfpn_uniformer_xs_80k_ade20k']
    assert len(lines) == 3
    assert out.count('synthetic data') == 6  # a line for each metric: box AP, mIoU, four of poses
    assert ': missing: save it as weights/' in out
    results = json.loads((tmp_path / 'out' / 'results.json').read_text())
    assert sum(entry['verdict'] == 'synthetic data' for entry in results) == 3
    assert {entry['measured']['tested'] > 0 for entry in results if entry['measured']} == {True}


@pytest.mark.skipif(os.name == 'nt', reason='no SIGKILL')
def test_the_test_ends_with_its_parent(tmp_path):
    """Else a run that goes on would share the machine with what was left behind."""
    code = f"""
from pathlib import Path
from hybrid_backbones.reproduce import process
if __name__ == '__main__':
    process.run_alone(dict(config='x' * 10, checkpoint='x', work_dir='x'),
                      Path({str(tmp_path / 'log')!r}), Path({str(tmp_path / 'result.json')!r}))
else:
    import os, time
    Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))
    process.measure = lambda **settings: time.sleep(600)
"""
    script = tmp_path / 'script.py'
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, str(script)], env=environment())
    wait_for(lambda: (tmp_path / 'log').exists())
    child = int((tmp_path / 'pid').read_text())
    parent.kill()
    parent.wait()
    wait_for(lambda: not Path(f'/proc/{child}').exists(), 20)


def test_command(command, tmp_path):
    """Nothing is at hand."""
    found = command('reproduce', 'retinanet_transxnet_t_1x', '--mini')
    assert found.status == 1
    assert 'missing: save it as pretrained/retinanet_tiny.pth' in found.out
    assert (tmp_path / 'work_dirs' / 'reproduce' / 'results.csv').is_file()
    assert "like 'x'" in command('reproduce', 'x').refusal
