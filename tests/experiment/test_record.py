"""Runs gathered from work directories, ours and others'."""

import json

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.experiment.dumped import read_dumped
from hybrid_backbones.experiment.gather import (
    gather,
    gather_folders,
    read_results,
    write_results,
)
from hybrid_backbones.experiment.record import record
from hybrid_backbones.experiment.runs import runs_of
from tests.experiment.drawn import draw_done, draw_start, small_study, write_state


def test_of_another_tool(tmp_path):
    """All is in mmengine's own files."""
    found = record(draw_start(tmp_path / 'theirs', metrics=(41.0, 40.0), seed=7))
    assert (found.name, found.seed, found.status, found.reason) == ('theirs', 7, 'done', '')
    assert (found.done, found.total, found.unit) == (20, 20, 'iterations')
    assert found.last == dict(mIoU=40.0) and found.best == dict(mIoU=41.0)
    assert found.versions == dict(torch='2.1.0+cu121', mmengine='0.10.4', Python='3.9.18')
    assert found.machine == 'NVIDIA A100-SXM4-80GB'
    assert found.seconds_per_step == 0.5 and found.batch == 4
    assert found.hours == pytest.approx(20 * 0.5 / 3600, abs=1e-4)
    assert found.peak_memory == 1020 << 20  # mmengine logs MiB
    assert found.data == 'ADE20KDataset images/validation+annotations/validation'
    assert found.curves['mIoU'] == [(10, 41.0), (20, 40.0)]
    assert found.curves['loss'][0] == (5, 3.5)


def test_unfinished_and_torn(tmp_path):
    folder = draw_start(tmp_path / 'a', metrics=(41.0,), iters=15)
    assert (record(folder).status, record(folder).reason) == ('unfinished', '15 of 20 iterations')
    log = next(folder.glob('*/vis_data/scalars.json'))
    log.write_text(log.read_text() + '{"loss": 3.1, "it')  # killed while it wrote
    attempt = dict(stage='train', started='2026-01-01T12:00:00')
    write_state(folder, status='running', stage='train', attempts=[attempt])
    torn = record(folder)
    assert torn.status == 'torn'
    assert 'ended in the train after 15 of 20 iterations, and nobody saw how' in torn.reason


def test_before_anything_was_logged(tmp_path):
    folder = draw_start(tmp_path / 'a', metrics=(), iters=0)
    attempt = dict(stage='train', started='', seconds=3600, status=1, kind='out of memory')
    write_state(folder, status='failed', attempts=[dict(attempt, reason='tried 2 GiB')])
    found = record(folder)
    assert (found.status, found.reason) == ('failed', 'out of memory: tried 2 GiB')
    assert found.hours == 1 and found.last == {}


def test_the_test_counts(tmp_path):
    """It is of the last checkpoint; evaluations while training may be of others."""
    folder = draw_done(tmp_path / 'row' / 'seed_3', 44.0)
    newer = folder / 'test' / '20260101_140000'
    newer.mkdir()
    (newer / '20260101_140000.json').write_text('{"mIoU": 45.5')  # killed while it wrote
    assert record(folder).last == dict(mIoU=44.0)
    (newer / '20260101_140000.json').write_text('{"mIoU": 45.5}')
    found = record(folder)
    assert found.last == dict(mIoU=45.5) and found.best == dict(mIoU=44.0)
    assert (found.name, found.commit) == ('row', 'abc')


def test_epochs_and_percent(tmp_path):
    folder = draw_start(tmp_path / 'a')
    vis_data = next(folder.glob('*/vis_data'))
    config = (vis_data / 'config.py').read_text()
    (vis_data / 'config.py').write_text(config.replace('max_iters=20', 'max_epochs=2'))
    rows = [
        dict(loss=1.0, epoch=1, iter=10, step=10, time=0.5),
        {'coco/bbox_mAP': 0.25, 'coco/segm_mAP': 0.2, 'step': 1},
        dict(loss=0.9, epoch=2, iter=20, step=20, time=0.5),
        {'coco/bbox_mAP': 0.415, 'coco/segm_mAP': 0.3, 'step': 2},
    ]
    (vis_data / 'scalars.json').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    found = record(folder)
    assert (found.done, found.total, found.unit, found.status) == (2, 2, 'epochs', 'done')
    assert found.last == {'box AP': pytest.approx(41.5), 'mask AP': 30.0}


def test_metrics_of_ones_own(tmp_path):
    folder = draw_start(tmp_path / 'a')
    log = next(folder.glob('*/vis_data/scalars.json'))
    log.write_text(log.read_text().replace('mIoU', 'my/score'))
    assert record(folder).last == {'my/score': 40.0, 'aAcc': 80.0}


@pytest.mark.parametrize(
    'change, same',
    [
        (dict(seed=5), True),
        (dict(root='/elsewhere/ade'), True),
        (dict(rate=0.01), False),
        (dict(mode='slide'), False),
    ],
)
def test_hash_of_the_config(tmp_path, change, same):
    one, other = (
        record(draw_start(tmp_path / name, **options))
        for name, options in (('a', {}), ('b', change))
    )
    assert (one.config_sha256 == other.config_sha256) == same
    assert len(one.config_sha256) == 64


def test_of_the_newest_start(tmp_path):
    """One that begins has an empty config; one that resumes no initial weights."""
    folder = draw_start(tmp_path / 'a')
    before = record(folder)
    vis_data = folder / '20270101_120000' / 'vis_data'
    vis_data.mkdir(parents=True)
    (vis_data / 'config.py').write_text('')
    assert record(folder) == before
    config = next(folder.glob('2026*/vis_data/config.py')).read_text()
    resumed = config.replace("type='EncoderDecoder'", "init_cfg=None, type='EncoderDecoder'")
    (vis_data / 'config.py').write_text(f'{resumed}\nresume = True\nload_from = "x.pth"\n')
    assert record(folder).config_sha256 == before.config_sha256


def test_a_dumped_config_is_not_run(tmp_path):
    path = tmp_path / 'config.py'
    made = tmp_path / 'made'
    path.write_text(
        f"a = dict(b=[1, (2, 'c')], **{{'d-e': None}})\n"
        f"x = __import__('pathlib').Path('{made}').touch()\n"
        'inf = float("inf")\nnegative = -1\n'
    )
    found = read_dumped(path)
    assert found['a'] == {'b': [1, [2, 'c']], 'd-e': None}
    assert found['negative'] == -1 and found['inf'] == "float('inf')"
    assert not made.exists()
    path.write_text('a = (')
    with pytest.raises(ConfigError, match='no config that mmengine has dumped'):
        read_dumped(path)


def test_gather(tmp_path):
    """A study with work directories beside it, to a JSON and back."""
    study = small_study(tmp_path, seeds=[0, 1])
    for run, metric in zip(runs_of(study), (40.0, 30.0, 42.0)):
        draw_done(run.folder, metric, seed=run.seed)
    theirs = draw_start(tmp_path / 'others' / 'resnet' / 'seed_4', seed=4)
    found = gather(study, [str(tmp_path / 'others')])
    assert [(run.name, run.seed, run.status) for run in found.runs] == [
        ('a', 0, 'done'),
        ('a', 1, 'done'),
        ('b', 0, 'done'),
        ('b', 1, 'waiting'),
        ('resnet', 4, 'done'),
    ]
    assert [row.name for row in found.rows] == ['a', 'b', 'resnet'] and found.baseline == 'a'
    write_results(found, tmp_path / 'results.json')
    again = read_results(tmp_path / 'results.json')
    write_results(again, tmp_path / 'again.json')
    assert (tmp_path / 'again.json').read_text() == (tmp_path / 'results.json').read_text()
    alone = gather_folders([str(theirs)])
    assert [(row.name, alone.baseline) for row in alone.rows] == [('resnet', 'resnet')]


def test_nothing_to_gather(tmp_path, command):
    with pytest.raises(ConfigError, match='no run in'):
        gather_folders([str(tmp_path)])
    assert 'no run in nowhere' in command('experiment', 'gather', 'nowhere').refusal
    assert 'one study at a time' in command('experiment', 'gather', 'a.yml', 'b.yml').refusal


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"format": 9}', '{"format": 1, "rows": []}'])
def test_another_json(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ConfigError, match='holds no results'):
        read_results(tmp_path / 'a.json')
    with pytest.raises(ConfigError, match='no file'):
        read_results(tmp_path / 'b.json')


def test_command(tmp_path, command):
    draw_start(tmp_path / 'runs' / 'a')
    draw_start(tmp_path / 'runs' / 'b', torch='1.13.1', iters=10, metrics=(3.0,))
    draw_start(tmp_path / 'runs' / 'c')
    result = command('experiment', 'gather', 'runs', '-o', 'all.json')
    assert result.status == 0
    assert 'a, seed 0: done\n' in result.out
    assert (
        'b, seed 0: unfinished; 10 of 20 iterations; other versions: torch 1.13.1, not 2.1.0+cu121'
    ) in result.out
    assert '2 of 3 runs are done; wrote all.json' in result.out
    content = json.loads((tmp_path / 'all.json').read_text())
    assert content['format'] == 1 and len(content['runs']) == 3
