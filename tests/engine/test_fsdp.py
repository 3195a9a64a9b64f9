"""Two processes that share a model out among them learn what two with a copy each learn."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS

from hybrid_backbones.backbones.base import HybridBackbone
from hybrid_backbones.config.load import load_config
from hybrid_backbones.engine import fsdp
from hybrid_backbones.engine.runner import build_runner
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.build import build_in_scope
from tests.engine.test_distributed import PROJECT, TORCHRUN, free_port, run
from tests.tools.commands import complaint, tool

WORKER = Path(__file__).with_name('fsdp_worker.py')
CONFIG = PROJECT / 'configs' / 'semanticfpn_uniformer_xxs_80k_ade20k.py'
FAMILIES = ('Conformer', 'CvT', 'HRFormer', 'TransXNet', 'UniFormer')
SHARDED = ('runner_type=FlexibleRunner', 'strategy.type=hybrid_backbones.FSDPStrategy')
DECAY = (
    'optim_wrapper.constructor=hybrid_backbones.LayerDecayOptimWrapperConstructor',
    'optim_wrapper.paramwise_cfg.decay_rate=0.8',
)
SHORT = (
    'train_cfg.max_iters=4',
    'train_cfg.val_interval=4',
    'train_dataloader.batch_size=2',
    'val_dataloader.dataset.indices=2',
    'default_hooks.logger.interval=1',
    'default_hooks.checkpoint.interval=2',
    'param_scheduler.0.end=2',
    'randomness.seed=0',
    # the two kinds of runner draw random numbers in another order: begin alike, and drop nothing
    'load_from=start.pth',
    'model.backbone.drop_path_rate=0.0',
    'model.decode_head.dropout_ratio=0.0',
)


@pytest.mark.slow
@pytest.mark.parametrize('family', FAMILIES)
def test_outputs_and_gradients(tmp_path, family):
    """In float64, block by block, with and without recomputing; half of the numbers in each."""
    output = run(tmp_path, *TORCHRUN, WORKER, family, PYTHONPATH=str(PROJECT))
    for with_cp in (False, True):
        assert f'equal: {family}, with_cp={with_cp}' in output


def log_of(work_dir):
    """Losses and norms of the gradient, iteration by iteration."""
    lines = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    entries = [entry for entry in map(json.loads, lines) if 'loss' in entry]
    return np.array([[entry['loss'], entry['grad_norm']] for entry in entries])


def train(folder, work_dir, *options, flags=()):
    script = PROJECT / 'tools' / 'dist_train.sh'
    command = (script, CONFIG, 2, '--mini', '--work-dir', work_dir, *flags)
    run(folder, *command, '--cfg-options', *SHORT, *options, PORT=str(free_port()))


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    pytest.importorskip('mmseg')
    folder = tmp_path_factory.mktemp('fsdp')
    cfg = load_config(str(CONFIG))
    state = build_in_scope('mmseg', cfg.model).state_dict()
    torch.save(dict(state_dict=state), folder / 'start.pth')
    train(folder, 'copies', *DECAY)
    train(folder, 'shared', *DECAY, *SHARDED)
    return folder


@pytest.mark.slow
def test_as_with_copies(runs):
    """The same losses, and norms of the whole gradient, which is clipped by it."""
    copies, shared = (log_of(runs / name) for name in ('copies', 'shared'))
    assert len(copies) == 4
    assert (copies[:, 1] > 5).any(), 'clipped'
    np.testing.assert_allclose(shared, copies, rtol=1e-3)


@pytest.mark.slow
def test_checkpoint(runs):
    """It is whole, has the usual names, and is what training with copies made of the weights."""
    copies, shared = (
        torch.load(runs / name / 'iter_4.pth', weights_only=False) for name in ('copies', 'shared')
    )
    assert list(shared['state_dict']) == list(copies['state_dict'])
    for name, value in copies['state_dict'].items():
        other = shared['state_dict'][name]
        assert other.shape == value.shape
        if value.is_floating_point():
            assert (other - value).norm() <= 1e-2 * value.norm() + 1e-4, name
    command = ('test', CONFIG, runs / 'shared' / 'iter_4.pth', '--mini', '--cfg-options')
    result = tool(runs, *command, 'test_dataloader.dataset.indices=2')
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'mIoU' in result.stdout


@pytest.mark.slow
def test_resume(runs):
    """The optimizer goes on counting, with averages for all parameters."""
    (runs / 'shared' / 'last_checkpoint').write_text(str(runs / 'shared' / 'iter_2.pth'))
    train(runs, 'shared', *DECAY, *SHARDED, flags=('--resume',))
    resumed = torch.load(runs / 'shared' / 'iter_4.pth', weights_only=False)
    states = resumed['optimizer']['state']
    learnt = [n for n in resumed['state_dict'] if n in states]
    assert len(learnt) == len(states) > 100
    for name in learnt:
        assert states[name]['step'] == 4
        assert states[name]['exp_avg'].shape == resumed['state_dict'][name].shape


def test_example():
    """It builds on a config of ours, and changes what its comments say."""
    cfg = load_config(str(PROJECT / 'examples' / 'fsdp_uniformer_b.py'))
    assert RUNNERS.get(cfg.runner_type).__name__ == 'FlexibleRunner'
    assert fsdp.STRATEGIES.get(cfg.strategy.type) is fsdp.FSDPStrategy
    assert fsdp.FUNCTIONS.get(cfg.strategy.model_wrapper.auto_wrap_policy) is fsdp.wrap_blocks
    assert cfg.model.backbone.type == 'hybrid_backbones.UniFormer'
    assert cfg.model.backbone.with_cp == (0, 8, 20, 0)


def test_blocks_are_all_that_is_wrapped():
    from hybrid_backbones import backbones

    for family in FAMILIES:
        with torch.device('meta'):
            backbone: HybridBackbone = getattr(backbones, family)(with_cp=True)
        checkpointed = {block for stage in backbone.stages for block in stage.checkpointed_blocks()}
        wrapped = {m for m in backbone.modules() if fsdp.wrap_blocks(m, False, 0)}
        assert wrapped == checkpointed != set()
        assert fsdp.wrap_blocks(backbone, True, 0), 'looked into'


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(runner_type='SwiftRunner'), "must be Runner or FlexibleRunner, got 'SwiftRunner'"),
        (
            dict(runner_type='FlexibleRunner', strategy=dict(type='hybrid_backbones.FSDPStrategy')),
            'hybrid_backbones.FSDPStrategy shares the work .* torchrun or Slurm',
        ),
    ],
)
def test_what_cannot_run(settings, message):
    with pytest.raises(ConfigError, match=message):
        build_runner(Config(dict(launcher='none', **settings)))


@pytest.mark.parametrize(
    'cfg, expected',
    [
        (dict(), dict(type='DDPStrategy')),
        (dict(sync_bn='torch'), dict(type='DDPStrategy', sync_bn='torch')),
        (
            dict(model_wrapper_cfg=dict(type='W'), strategy=dict(type='FSDPStrategy')),
            dict(type='FSDPStrategy'),
        ),
        (
            dict(model_wrapper_cfg=dict(type='W')),
            dict(type='DDPStrategy', model_wrapper=dict(type='W')),
        ),
    ],
)
def test_what_the_strategy_is_told(monkeypatch, cfg, expected):
    """The Runner reads it beside; FlexibleRunner does not."""
    built = []
    flexible = RUNNERS.get('FlexibleRunner')
    monkeypatch.setattr(flexible, 'from_cfg', classmethod(lambda _, cfg: built.append(cfg)))
    build_runner(Config(dict(runner_type='FlexibleRunner', launcher='pytorch', **cfg)))
    assert built[0].strategy.to_dict() == expected


def test_refusal_on_the_command_line(tmp_path):
    line = complaint(tool(tmp_path, 'train', CONFIG, '--mini', '--cfg-options', *SHARDED))
    assert 'torchrun or Slurm' in line
