"""``experiment plan``: configs, variants, seeds and published models become a file."""

import json
import math

import pytest
import yaml

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.experiment.plan import find_configs, plan
from hybrid_backbones.experiment.study import read_study
from hybrid_backbones.experiment.variants import grid, short_name, split_values
from hybrid_backbones.zoo.model_files import list_model_files

R50 = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'
UNIFORMER, HRFORMER = 'maskrcnn_uniformer_s_1x', 'maskrcnn_hrformer_s_1x'


def test_grid():
    assert grid([]) == [{}]
    assert grid([('a', [1, 2]), ('b', [3, 4])]) == [
        dict(a=1, b=3),
        dict(a=1, b=4),
        dict(a=2, b=3),
        dict(a=2, b=4),
    ]


def test_split_values():
    assert split_values('1,[2,3],(4,5),{a: 1, b: 2}') == ['1', '[2,3]', '(4,5)', '{a: 1, b: 2}']


@pytest.mark.parametrize(
    'config, settings, name',
    [
        ('a', {}, 'a'),
        ('folder/a.py', {}, 'a'),
        ('a', {'x.lr': 1, 'y.lr': 2}, 'a-x.lr=1-y.lr=2'),
        ('a', {'size': [1, 2]}, 'a-size=_1,_2'),
        ('a', {'file': '../x y'}, 'a-file=.._x_y'),
    ],
)
def test_names(config, settings, name):
    assert short_name(config, settings) == name


def test_patterns():
    pytest.importorskip('mmdet')
    assert find_configs('maskrcnn_uniformer_?_1x') == [
        'maskrcnn_uniformer_b_1x',
        'maskrcnn_uniformer_s_1x',
    ]
    assert R50 in find_configs('mmdet::mask_rcnn/*r50_fpn_1x_coco.py')
    assert find_configs('anything') == ['anything']
    for pattern in ('nothing_*', 'mmdet::nothing/*', 'none/*.py'):
        with pytest.raises(ConfigError, match='no config is called like'):
            find_configs(pattern)


def test_files(tmp_path):
    for name in 'ba':
        (tmp_path / f'{name}.py').write_text('')
    assert find_configs(f'{tmp_path}/*.py') == [f'{tmp_path}/a.py', f'{tmp_path}/b.py']


def test_plan():
    pytest.importorskip('mmdet')
    study = plan(
        [UNIFORMER, 'maskrcnn_uniformer_s_?x', R50],
        name='mine',
        settings=[('optim_wrapper.optimizer.lr', [1e-4, 2e-4])],
        published=['retinanet_transxnet_*'],
        seeds=[0, 1],
    )
    assert [(entry.name, entry.checkpoint) for entry in study.configs] == [
        ('maskrcnn_uniformer_s_1x-lr=0.0001', None),
        ('maskrcnn_uniformer_s_1x-lr=0.0002', None),
        ('maskrcnn_uniformer_s_3x-lr=0.0001', None),
        ('maskrcnn_uniformer_s_3x-lr=0.0002', None),
        ('mask-rcnn_r50_fpn_1x_coco-lr=0.0001', None),
        ('mask-rcnn_r50_fpn_1x_coco-lr=0.0002', None),
        *((f'{f.config}-published', 'published') for f in list_model_files('retinanet_trans*')),
    ]


@pytest.mark.parametrize(
    'patterns, more, part',
    [
        ([], {}, 'name configs to train'),
        (['maskrcnn_uniformr_s_1x'], {}, "no config 'maskrcnn_uniformr_s_1x'; close: "),
        ([UNIFORMER], dict(settings=[('model.backbone.arch.x', [1])]), 'cfg_options'),
        ([UNIFORMER], dict(published=['nothing_*']), 'no model is published'),
    ],
)
def test_refusals(patterns, more, part):
    pytest.importorskip('mmdet')
    with pytest.raises(ConfigError, match=part):
        plan(patterns, name='mine', **more)


def test_command(command, tmp_path):
    pytest.importorskip('mmdet')
    words = ['experiment', 'plan', UNIFORMER, HRFORMER, '--seeds', '0,1,2', '--steps', '0']
    words += ['--set', 'optim_wrapper.optimizer.lr=1e-4,2e-4', '-o', 'study.yml', '--halve-batch']
    result = command(*words, '--mini', '--cfg-options', 'train_cfg.max_epochs=2')
    assert result.status == 0, result.err
    assert 'wrote study.yml: 4 rows' in result.out
    assert '12 runs, 12 not done' in result.out
    annotations = tmp_path / 'data' / 'mini' / 'coco' / 'annotations' / 'instances_train2017.json'
    images = len(json.loads(annotations.read_text())['images'])
    steps = f' {2 * math.ceil(images / 4)} '  # two epochs of batches of 4
    lines = [line for line in result.out.splitlines() if line.startswith('maskrcnn')]
    assert len(lines) == 4 and all(steps in line for line in lines)
    study = read_study(tmp_path / 'study.yml')
    assert study.seeds == [0, 1, 2] and study.mini and study.halve_batch
    assert study.options == {'train_cfg.max_epochs': 2}
    assert [e.set['optim_wrapper.optimizer.lr'] for e in study.configs] == [1e-4, 2e-4] * 2
    again = command(*words)
    assert 'there already' in again.refusal and '--overwrite' in again.refusal
    content = yaml.safe_load((tmp_path / 'study.yml').read_text())
    assert set(content) == {'seeds', 'mini', 'halve_batch', 'options', 'configs'}


@pytest.mark.parametrize(
    'words, part',
    [
        (['a', '-o', 'study.txt'], '--out is a YAML file'),
        (['a', '--seeds', '0;1'], 'must be whole numbers such as 0,1,2'),
        (['a', '--set', 'lr'], 'must be KEY=VALUE,...'),
        (['a', '--jobs', '0'], 'must be a whole number of at least 1'),
        (['nothing_*'], "no config is called like 'nothing_*'"),
    ],
)
def test_refusals_of_the_command(command, words, part):
    assert part in command('experiment', 'plan', *words).refusal
