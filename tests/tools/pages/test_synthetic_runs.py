"""The table of what every family learns on synthetic data."""

import json

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.configs import list_configs
from tools.pages import synthetic_runs
from tools.pages.marked import read_page, replaced
from tools.pages.synthetic_runs import METRICS, PAGE, PARTS, RUNS, has_learnt, parts, train_all


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
EMPTY = ''.join(f'<!-- begin {part} -->\n<!-- end {part} -->\n' for part in PARTS)
DETECTION = result('maskrcnn_cvt_13_1x', 'mmdet', [80.0, 39.9])


def test_one_config_of_each_family_and_task():
    assert set(RUNS) <= set(list_configs())
    pairs = {tuple(name.split('_')[:2]) for name in RUNS}
    families = ('conformer', 'cvt', 'hrformer', 'transxnet', 'uniformer')
    heads = ('maskrcnn', 'semanticfpn', 'topdown')
    assert pairs == {(head, family) for head in heads for family in families}
    assert len(RUNS) == len(pairs)


def test_table():
    found = parts([POSE, DETECTION])
    assert found['runs'].splitlines()[2:] == [
        '| CvT | detection | `maskrcnn_cvt_13_1x` | box AP50 | 0.5 | 80.0 | 304 x 4 '
        '| 181 | 2.0 GiB |',
        '| CvT | instance segmentation | `maskrcnn_cvt_13_1x` | mask AP50 | 0.5 | 39.9 | 304 x 4 '
        '| 181 | 2.0 GiB |',
        '| CvT | pose | `topdown_cvt_13_210e_coco_256x192` | keypoint AP | 0.5 | 61.0 | 304 x 4 '
        '| 181 | 2.0 GiB |',
        '| CvT | pose | `topdown_cvt_13_210e_coco_256x192` | keypoint AP50 | 0.5 | 90.0 | 304 x 4 '
        '| 181 | 2.0 GiB |',
    ]
    assert found['versions'] == 'torch 2.13.0; CPU threads: 1; 2026-01-31.'
    assert 'box AP50 40 %' in found['thresholds']


def test_the_page_has_all_runs():
    page = read_page(PAGE, PARTS)
    assert replaced(page, dict(thresholds=parts([])['thresholds'])) == page
    assert all(f'| `{name}` |' in page for name in RUNS)


def test_every_metric_has_to_pass():
    assert has_learnt(POSE)
    assert not has_learnt(DETECTION)


def test_runs_that_are_there_are_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        synthetic_runs.subprocess, 'run', lambda *_, **__: pytest.fail('trained anew')
    )
    for run in (POSE, DETECTION):
        (tmp_path / run['config']).mkdir()
        (tmp_path / run['config'] / 'result.json').write_text(json.dumps(run))
    page = tmp_path / 'page.md'
    page.write_text(EMPTY)
    train_all([POSE['config']], tmp_path, page)
    assert 'keypoint AP50 0.5 -> 90.0; 304 steps in 181 s' in capsys.readouterr().out
    assert page.read_text() == replaced(EMPTY, parts([POSE, DETECTION]))
    with pytest.raises(ConfigError, match='below the threshold: maskrcnn_cvt_13_1x'):
        train_all([POSE['config'], DETECTION['config']], tmp_path, page)


def test_unknown_config(tmp_path):
    with pytest.raises(ConfigError, match='must be a page with the lines'):
        train_all(RUNS, tmp_path, tmp_path / 'page.md')
    page = tmp_path / 'page.md'
    page.write_text(EMPTY)
    with pytest.raises(ConfigError, match='maskrcnn_cvt_13_1x'):
        train_all(['maskrcnn_cvt_12_1x'], tmp_path, page)
