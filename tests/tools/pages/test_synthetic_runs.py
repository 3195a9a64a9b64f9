"""The table of what every family learns on mini data."""

import json
from argparse import Namespace

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.configs import list_configs
from tools.pages import synthetic_runs as zoo_mini
from tools.pages.synthetic_runs import METRICS, RUNS, has_learnt, table, train_zoo_mini


def result(config, library, ends):
    names = [name for _, name, _, _ in METRICS[library]]
    return dict(
        config=config,
        library=library,
        family='CvT',
        start=dict.fromkeys(names, 0.5),
        end=dict(zip(names, ends)),
        steps=304,
        batch=4,
        seconds=181.2,
        peak_mib=2048.0,
        threads=1,
        date='2026-01-31',
        versions={'torch': '2.13.0'},
    )


POSE = result('topdown_cvt_13_210e_coco_256x192', 'mmpose', [61.0, 90.0])
DETECTION = result('maskrcnn_cvt_13_1x', 'mmdet', [80.0, 39.9])


def test_one_config_of_each_family_and_task():
    assert set(RUNS) <= set(list_configs())
    pairs = {tuple(name.split('_')[:2]) for name in RUNS}
    families = ('conformer', 'cvt', 'hrformer', 'transxnet', 'uniformer')
    heads = ('maskrcnn', 'semanticfpn', 'topdown')
    assert pairs == {(head, family) for head in heads for family in families}
    assert len(RUNS) == len(pairs)


def test_table():
    page = table([POSE, DETECTION])
    rows = [line for line in page.splitlines() if line.startswith('| CvT')]
    assert rows == [
        '| CvT | detection | `maskrcnn_cvt_13_1x` | box AP50 | 0.5 | 80.0 | 304 x 4 '
        '| 181 | 2.0 GiB |',
        '| CvT | instance segmentation | `maskrcnn_cvt_13_1x` | mask AP50 | 0.5 | 39.9 | 304 x 4 '
        '| 181 | 2.0 GiB |',
        '| CvT | pose | `topdown_cvt_13_210e_coco_256x192` | keypoint AP | 0.5 | 61.0 | 304 x 4 '
        '| 181 | 2.0 GiB |',
        '| CvT | pose | `topdown_cvt_13_210e_coco_256x192` | keypoint AP50 | 0.5 | 90.0 | 304 x 4 '
        '| 181 | 2.0 GiB |',
    ]
    for part in ('torch 2.13.0', '2026-01-31', 'box AP50 40 %', '1 CPU threads'):
        assert part in page


def test_every_metric_has_to_pass():
    assert has_learnt(POSE)
    assert not has_learnt(DETECTION)


def test_runs_that_are_there_are_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(zoo_mini.subprocess, 'run', lambda *_, **__: pytest.fail('trained anew'))
    for run in (POSE, DETECTION):
        (tmp_path / run['config']).mkdir()
        (tmp_path / run['config'] / 'result.json').write_text(json.dumps(run))
    args = Namespace(
        only=[POSE['config']], work_dir=str(tmp_path), table=str(tmp_path / 'table.md'), jobs=2
    )
    train_zoo_mini(args)
    assert 'keypoint AP50 0.5 -> 90.0; 304 steps in 181 s' in capsys.readouterr().out
    assert (tmp_path / 'table.md').read_text() == table([POSE, DETECTION])
    args.only.append(DETECTION['config'])
    with pytest.raises(ConfigError, match='below the bar: maskrcnn_cvt_13_1x'):
        train_zoo_mini(args)


def test_unknown_config(tmp_path):
    args = Namespace(only=['maskrcnn_cvt_12_1x'], work_dir=str(tmp_path), table='', jobs=1)
    with pytest.raises(ConfigError, match='maskrcnn_cvt_13_1x'):
        train_zoo_mini(args)
