"""The runs of a study, and the commands that train and test them."""

import argparse

import pytest
from mmengine.config import DictAction

from hybrid_backbones.cli.main import build_parser
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.experiment.launch.start import command_of, launcher_name
from hybrid_backbones.experiment.runs import (
    half_batch,
    option_text,
    runs_of,
    train_arguments,
)
from hybrid_backbones.experiment.runs import test_arguments as words_of_test
from hybrid_backbones.experiment.study import Entry
from tests.experiment.drawn import small_study


def test_order_and_folders(tmp_path):
    study = small_study(tmp_path, seeds=[0, 3])
    study.configs.append(Entry('c', name='c', checkpoint='c.pth'))
    names = [run.name for run in runs_of(study)]
    assert names == ['c/published', 'a/seed_0', 'b/seed_0', 'a/seed_3', 'b/seed_3']
    assert str(runs_of(study)[1].folder) == f'{tmp_path}/out/a/seed_0'


def parsed(words):
    """As ``hybrid-backbones`` itself would read the words."""
    return build_parser(words[0]).parse_args(words)


def test_commands_are_understood(tmp_path):
    study = small_study(tmp_path, options={'a.b': 1}, mini=True, amp=True, data_root='d')
    study.configs[0].set = {'a.c': [1, 2.5], 'a.d': 'hybrid', 'a.e': None, 'a.f': False}
    run = runs_of(study)[0]
    args = parsed(train_arguments(study, run, 'none', False))
    assert (args.config, args.work_dir, args.data_root) == (
        f'{tmp_path}/a.py',
        str(run.folder),
        'd',
    )
    assert args.mini and args.amp and args.resume is True and args.launcher == 'none'
    assert args.cfg_options == {
        'a.b': 1,
        'a.c': [1, 2.5],
        'a.d': 'hybrid',
        'a.e': None,
        'a.f': False,
        'randomness.seed': 0,
    }
    args = parsed(words_of_test(study, run, 'x.pth', 'pytorch'))
    assert (args.checkpoint, args.launcher) == ('x.pth', 'pytorch')
    assert args.work_dir == f'{run.folder}/test' and args.cfg_options['a.c'] == [1, 2.5]


@pytest.mark.parametrize(
    'value', [1, 0.5, 1e-7, True, None, 'text', [1, 2], [[1, 2], [3, 4]], ['a', 'b'], [8]]
)
def test_options_survive_the_command_line(value):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args(['--cfg-options', f'key={option_text(value)}'])
    assert args.cfg_options == dict(key=value)


def test_settings_inside_a_value():
    with pytest.raises(ConfigError, match='dotted keys'):
        option_text(dict(a=1))


def test_half_a_batch(tmp_path):
    study = small_study(tmp_path, names=['a'])
    run = runs_of(study)[0]
    halved = {'train_dataloader.batch_size': 2, 'optim_wrapper.optimizer.lr': 0.0005}
    assert half_batch(study, run) == halved
    assert parsed(train_arguments(study, run, 'none', True)).cfg_options == {
        **halved,
        'randomness.seed': 0,
    }
    study.auto_scale_lr = True  # which halves it by itself
    assert half_batch(study, run)['optim_wrapper.optimizer.lr'] == 0.001
    single = small_study(tmp_path, names=['a'], batch=1)
    with pytest.raises(ConfigError, match='a batch of 1'):
        half_batch(single, runs_of(single)[0])


@pytest.mark.parametrize('launcher', ['local', 'torchrun', 'slurm'])
def test_launchers(tmp_path, launcher):
    gpus = 1 if launcher == 'local' else 4
    study = small_study(tmp_path, launcher=launcher, gpus=gpus)
    words = command_of(study, ['train', 'a.py'])
    assert words[-4:] == ['-m', 'hybrid_backbones', 'train', 'a.py']
    assert launcher_name(study) == dict(local='none', torchrun='pytorch', slurm='slurm')[launcher]
    count = [word for word in words if word.endswith('=4')]
    assert count == dict(local=[], torchrun=['--nproc_per_node=4'], slurm=['--ntasks=4'])[launcher]
