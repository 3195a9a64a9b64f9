"""The file of a study: short, edited by hand, and refused where it says what nobody reads."""

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.experiment.study import (
    Entry,
    Slurm,
    Study,
    complete,
    parse_value,
    read_study,
    write_study,
)

FILE = """\
seeds: [0, 1]
mini: true
options: {train_cfg.max_iters: 30}
launcher: slurm
gpus: 8
slurm: {partition: big, options: [--account=vision]}
configs:
- maskrcnn_uniformer_s_1x
- config: maskrcnn_uniformer_s_1x
  set: {optim_wrapper.optimizer.lr: 1e-4, model.backbone.drop_path_rate: 0.2}
- config: mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py
  name: resnet50
- config: upernet_uniformer_s_160k_ade20k
  checkpoint: published
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / 'mine.yml'
        path.write_text(text)
        return read_study(path)

    return read


def test_read(read):
    study = read(FILE)
    assert (study.name, study.out, study.baseline) == (
        'mine',
        'work_dirs/mine',
        'maskrcnn_uniformer_s_1x',
    )
    assert study.seeds == [0, 1] and study.mini and study.gpus == 8
    assert study.slurm == Slurm(partition='big', options=['--account=vision'])
    assert [entry.name for entry in study.configs] == [
        'maskrcnn_uniformer_s_1x',
        'maskrcnn_uniformer_s_1x-lr=0.0001-drop_path_rate=0.2',
        'resnet50',
        'upernet_uniformer_s_160k_ade20k-published',
    ]
    # a number, which YAML 1.1 takes for a word
    assert study.configs[1].set['optim_wrapper.optimizer.lr'] == 1e-4


def test_written_and_read_again(read, tmp_path):
    study = read(FILE)
    write_study(study, tmp_path / 'mine.yml')
    assert read_study(tmp_path / 'mine.yml') == study
    text = (tmp_path / 'mine.yml').read_text()
    assert 'seeds: [0, 1]\n' in text
    for left_out in ('out:', 'amp', 'baseline', 'name: maskrcnn'):
        assert left_out not in text


@pytest.mark.parametrize(
    'text, part',
    [
        ('', 'no study'),
        ('seeds: [0', 'no YAML'),
        ('seeds: [0]', 'configs must be a list'),
        ('configs: []', 'configs must be a list'),
        ('configs: [a]\nseed: [0]', "unknown key 'seed'; known: configs, seeds,"),
        ('configs: [{config: a, sets: {}}]', "configs.0: unknown key 'sets'"),
        ('configs: [{name: a}]', 'configs.0: config is missing'),
        ('configs: [3]', 'configs.0 must have keys and values, got 3'),
        ('configs: [a]\nslurm: {part: b}', "slurm: unknown key 'part'"),
        ('configs: [a]\nseeds: 3', 'seeds must be a list of whole numbers, got 3'),
        ('configs: [a]\nseeds: [a]', 'seeds must be a list of whole numbers'),
        ('configs: [a]\nseeds: [1, 1]', 'seeds must be different'),
        ('configs: [a]\nseeds: []', 'seeds must be different'),
        ('configs: [a]\nmini: 1', 'mini must be true or false, got 1'),
        ('configs: [a]\njobs: true', 'jobs must be a whole number, got True'),
        ('configs: [a]\njobs: 0', 'jobs must be at least 1'),
        ('configs: [a]\noptions: [b]', 'options must be settings by dotted keys'),
        ('configs: [a]\nlauncher: ssh', 'launcher must be one of local, torchrun, slurm'),
        ('configs: [a]\ngpus: 2', 'use torchrun or slurm'),
        ('configs: [a]\nbaseline: b', "baseline 'b' is none of a"),
        ('configs: [a, a]', 'two rows are called a'),
        ('configs: [a, x/a.py]', 'two rows are called a'),
        ('configs: [{config: a, name: ../b}]', "the name '../b' is a folder too"),
    ],
)
def test_refusals(read, text, part):
    with pytest.raises(ConfigError) as error:
        read(text)
    assert part in str(error.value)
    assert '\n' not in str(error.value)
    assert 'mine.yml' in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match='cannot be read: No such file'):
        read_study(tmp_path / 'none.yml')


def test_a_hint_for_a_slip(read):
    with pytest.raises(ConfigError, match='launcher is close'):
        read('configs: [a]\nlauncer: local')


def test_a_string_is_not_executed(read, tmp_path):
    """Anybody's file may be read: objects are refused."""
    with pytest.raises(ConfigError, match='no YAML'):
        read(f'configs: !!python/object/apply:os.mkdir [{tmp_path}/made]')
    assert not (tmp_path / 'made').exists()


@pytest.mark.parametrize(
    'text, value',
    [
        ('1e-4', 1e-4),
        ('2.5E3', 2500.0),
        ('3', 3),
        ('true', True),
        ('null', None),
        ('hybrid', 'hybrid'),
        ('[1e-1, 2]', [0.1, 2]),
    ],
)
def test_values(text, value):
    found = parse_value(text)
    assert found == value and type(found) is type(value)


def test_values_that_are_none():
    with pytest.raises(ConfigError, match='no value'):
        parse_value('[1')


def test_complete_leaves_what_is_given():
    study = complete(Study([Entry('a', name='b')], name='c', out='d', baseline='b'), 'e')
    assert (study.name, study.out, study.baseline, study.configs[0].name) == ('c', 'd', 'b', 'b')
