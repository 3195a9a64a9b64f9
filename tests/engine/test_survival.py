"""Trainings that are killed, stopped, out of space, or fed what is no number."""

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from hybrid_backbones.engine.handed_over import hand_over
from hybrid_backbones.engine.hooks import checkpoint as checkpoint_hook
from hybrid_backbones.engine.hooks.stop import StopHook, StopRequest, stop_requests
from hybrid_backbones.engine.resume import find_training_state, read_training_state
from hybrid_backbones.engine.seeded_batches import SeededBatch
from hybrid_backbones.errors import CheckpointError, ConfigError, Stopped
from tests.engine.small_training import EndAt, config, train


def go_on(work_dir, **options):
    """The config of the same training, resumed as ``train(resume=True)`` does."""
    found = find_training_state(str(work_dir))
    cfg = config(work_dir, **options)
    cfg.resume, cfg.load_from = True, hand_over(str(found.path), found.content)
    return cfg, found


@pytest.mark.parametrize(
    'options',
    [
        dict(iters=11),
        dict(iters=11, sampler='DefaultSampler'),
        dict(iters=11, workers=2),
        dict(epochs=2),
        dict(epochs=2, workers=1),
        dict(iters=11, accumulate=3),
    ],
    ids=['iterations', 'rounds', 'workers', 'epochs', 'epochs with workers', 'accumulation'],
)
def test_resumed_equals_uninterrupted(options, tmp_path):
    """To the last bit, from any iteration; two rounds of six batches."""
    whole = train(config(tmp_path / 'whole', **options))
    for stop in random.Random(str(options)).sample(range(1, 11), 2):
        work_dir = tmp_path / f'stopped{stop}'
        with pytest.raises(KeyboardInterrupt):
            train(config(work_dir, **options), EndAt(stop))
        cfg, found = go_on(work_dir, **options)
        assert found.iteration == stop
        resumed = train(cfg)
        assert all(torch.equal(value, whole[name]) for name, value in resumed.items())
        assert not list(work_dir.glob('stopped_*')), 'the next checkpoint takes its place'


def test_a_batch_loads_with_its_own_random_numbers():
    batch = SeededBatch([3, 1], seed=7)
    before = torch.get_rng_state()
    drawn = [(index, torch.rand(1).item(), np.random.rand(), random.random()) for index in batch]
    assert torch.equal(torch.get_rng_state(), before)
    assert drawn == [(i, torch.rand(1).item(), np.random.rand(), random.random()) for i in batch]
    assert [each[0] for each in drawn] == [3, 1]
    assert len({each[1] for each in drawn}) == 2
    kind, arguments = batch.__reduce__()
    assert kind(*arguments) == batch and kind(*arguments).seed == 7


class Break(Hook):
    """Make writing fail at one checkpoint."""

    def __init__(self, monkeypatch, iteration, error):
        self.monkeypatch, self.iteration, self.error = monkeypatch, iteration, error

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.iteration:
            self.monkeypatch.setattr(os, 'fsync', self.fail)

    def fail(self, descriptor):
        raise self.error


@pytest.mark.parametrize('keep', [1, 2, -1])
def test_a_full_disk_costs_nothing(keep, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patch, pytest.raises(CheckpointError) as error:
        train(config(tmp_path, max_keep_ckpts=keep), Break(patch, 6, full))
    assert 'iter_6.pth: No space left on device; older checkpoints are whole' in str(error.value)
    assert '`resume=True`' in str(error.value)
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_3.pth']
    assert not list(tmp_path.glob('.*'))
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_3.pth')
    cfg, found = go_on(tmp_path, max_keep_ckpts=keep)
    assert (found.iteration, found.passed_over) == (3, [])
    train(cfg)
    names = {'iter_3.pth', 'iter_6.pth', 'iter_9.pth', 'iter_12.pth'}
    kept = {1: {'iter_12.pth'}, 2: {'iter_9.pth', 'iter_12.pth'}}.get(keep, names)
    assert {path.name for path in tmp_path.glob('*.pth')} == kept


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.engine.small_training import config, train
from hybrid_backbones.utils import files
from contextlib import contextmanager

when = sys.argv[2]
replace, write = os.replace, os.fsync
def kill(*arguments):
    if Path(sys.argv[1], 'iter_3.pth').exists() and Path(sys.argv[1], 'last_checkpoint').exists():
        if when == 'after':
            replace(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    return (replace if len(arguments) == 2 else write)(*arguments)
if when == 'while':
    os.fsync = kill
else:
    os.replace = kill
train(config(Path(sys.argv[1]), max_keep_ckpts=1))
"""


@pytest.mark.skipif(os.name == 'nt', reason='no SIGKILL')
@pytest.mark.parametrize('when, survives', [('while', 3), ('before', 3), ('after', 6)])
def test_killed_while_a_checkpoint_is_written(when, survives, tmp_path):
    command = [sys.executable, '-c', KILLED, str(tmp_path), when]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL, done.stderr
    found = find_training_state(str(tmp_path))
    assert found.iteration == survives and not found.passed_over
    cfg, _ = go_on(tmp_path, max_keep_ckpts=1)
    train(cfg)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith('.')], 'half written'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    train(config(folder))
    return folder


@pytest.fixture
def work_dir(trained, tmp_path):
    """A copy to be damaged: iter_3.pth to iter_12.pth."""
    for path in (*trained.glob('*.pth'), trained / 'last_checkpoint'):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def torn(path):
    path.write_bytes(path.read_bytes()[:-300])


def zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def empty(path):
    path.write_bytes(b'')


def flipped(path):
    """One bit of a weight, which torch would load."""
    content = bytearray(path.read_bytes())
    state = torch.load(path, weights_only=False)['state_dict']
    at = content.index(state['linear.weight'].numpy().tobytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def bare(path):
    state = torch.load(path, weights_only=False)['state_dict']
    torch.save(dict(state_dict=state, meta={}), path)


def broken(path):
    content = torch.load(path, weights_only=False)
    content['state_dict']['linear.bias'][0] = float('nan')
    torch.save(content, path)


@pytest.mark.parametrize(
    'damage, reason',
    [
        (torn, 'damaged'),
        (zeros, 'damaged'),
        (empty, 'damaged'),
        (flipped, 'damaged'),
        (bare, 'has weights alone'),
        (broken, 'not finite'),
    ],
)
def test_the_newest_whole_checkpoint(damage, reason, work_dir):
    damage(work_dir / 'iter_12.pth')
    found = find_training_state(str(work_dir))
    assert found.iteration == 9
    (line,) = found.passed_over
    assert 'iter_12.pth' in line and reason in line
    with pytest.raises(CheckpointError, match=reason):
        read_training_state(work_dir / 'iter_12.pth')
    for path in work_dir.glob('*.pth'):
        if path.name != 'iter_12.pth':
            path.unlink()
    with pytest.raises(
        CheckpointError, match=f'no checkpoint in .* can be resumed from: .*{reason}'
    ):
        find_training_state(str(work_dir))


@pytest.mark.parametrize(
    'pointer',
    [
        None,
        b'',
        b'work_di',
        bytes(40),
        b'\xff\xfe',
        b'/moved/away/iter_12.pth',
        b'/none/iter_99.pth',
    ],
)
def test_a_pointer_is_a_hint(pointer, work_dir):
    path = work_dir / 'last_checkpoint'
    path.unlink() if pointer is None else path.write_bytes(pointer)
    found = find_training_state(str(work_dir))
    assert (found.iteration, found.passed_over) == (12, [])


def test_an_older_pointer(work_dir):
    """Killed between the checkpoint and the pointer."""
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'iter_9.pth'))
    assert find_training_state(str(work_dir)).iteration == 12


def test_a_pointer_to_another_folder(work_dir, tmp_path_factory):
    """CheckpointHook's ``out_dir``."""
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    for path in work_dir.glob('*.pth'):
        path.rename(elsewhere / path.name)
    (work_dir / 'last_checkpoint').write_text(str(elsewhere / 'iter_12.pth'))
    assert find_training_state(str(work_dir)).path == elsewhere / 'iter_12.pth'


def test_nothing_to_resume(tmp_path):
    assert find_training_state(str(tmp_path)) is None
    (tmp_path / 'last_checkpoint').write_text('gone/iter_3.pth')
    assert find_training_state(str(tmp_path)) is None


class Poison(Hook):
    """A pixel that is no number."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == 5:
            data_batch['x'][0][0] = float('nan')


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    with pytest.raises(ConfigError, match=r'not finite at iteration 5 \(loss nan\)'):
        train(config(tmp_path), Poison())
    found = find_training_state(str(tmp_path))
    assert (found.iteration, found.passed_over) == (3, [])


def test_images_of_a_batch_are_named():
    from mmengine.structures import BaseDataElement

    from hybrid_backbones.engine.hooks.losses import image_names

    samples = [BaseDataElement(metainfo=dict(img_path=f'/data/{name}.jpg')) for name in 'ab']
    assert image_names(dict(inputs=[], data_samples=samples)) == ['a.jpg', 'b.jpg']
    assert image_names(dict(x=[1])) == image_names([1]) == []


class Spoil(Hook):
    """Weights that become infinite without a loss that shows it."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == 6:
            runner.model.norm.running_var[0] = float('inf')


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    with pytest.raises(ConfigError, match=r'after iteration 6 \(the first: norm.running_var\)'):
        train(config(tmp_path), Spoil())
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_3.pth']


class Send(Hook):
    """A signal to this process."""

    def __init__(self, signum, iteration=4):
        self.signum, self.iteration = signum, iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.iteration:
            os.kill(os.getpid(), self.signum)


@pytest.mark.skipif(os.name == 'nt', reason='other signals')
@pytest.mark.parametrize('name', ['SIGTERM', 'SIGUSR1', 'SIGINT'])
def test_a_signal_saves_and_ends(name, tmp_path):
    signum = getattr(signal, name)
    before = signal.getsignal(signum)
    with stop_requests() as request, pytest.raises(Stopped) as stopped:
        train(config(tmp_path), Send(signum), StopHook(request))
    assert str(stopped.value) == (
        f'stopped by {name} after iteration 4; saved {tmp_path}/stopped_iter_4.pth; the same '
        'command with `resume=True` goes on'
    )
    assert stopped.value.signum == signum
    assert find_training_state(str(tmp_path)).iteration == 4
    assert signal.getsignal(signum) == before


@pytest.mark.skipif(os.name == 'nt', reason='other signals')
@pytest.mark.parametrize(
    'signals, pause, leaves',
    [
        ((signal.SIGINT, signal.SIGINT), 0, True),
        ((signal.SIGTERM, signal.SIGTERM), 0, False),  # torchrun passes on what Slurm sends
        ((signal.SIGTERM, signal.SIGTERM), 2, True),
    ],
)
def test_a_second_signal(signals, pause, leaves, monkeypatch):
    left = []
    monkeypatch.setattr(os, '_exit', left.append)
    request, (first, second) = StopRequest(), signals
    request(first, None)
    request._since -= pause
    request(second, None)
    assert left == ([128 + second] if leaves else [])
    assert request.signum == first


def test_an_earlier_best_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    hook = checkpoint_hook.CheckpointHook(
        interval=3, by_epoch=False, save_best='score', rule='greater'
    )

    class Validate(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if runner.iter + 1 in (5, 8):
                hook.after_val_epoch(runner, dict(score=runner.iter))

    cfg = config(tmp_path)
    runner_hooks = (hook, Validate())
    full = OSError(errno.ENOSPC, 'full')
    with monkeypatch.context() as patch, pytest.raises(CheckpointError):
        train(cfg, *runner_hooks, Break(patch, 8, full))
    assert [path.name for path in tmp_path.glob('best*')] == ['best_score_iter_4.pth']
    assert torch.load(tmp_path / 'best_score_iter_4.pth', weights_only=False)['state_dict']
    train(
        config(tmp_path / 'again'),
        checkpoint_hook.CheckpointHook(
            interval=3, by_epoch=False, save_best='score', rule='greater'
        ),
        Validate(),
    )


def test_checkpoints_of_any_name(tmp_path):
    """CheckpointHook has a template; the pointer may be lost; weights alone are none."""
    train(config(tmp_path, filename_tmpl='model_{}.pth', max_keep_ckpts=-1))
    (tmp_path / 'last_checkpoint').unlink()
    torch.save(dict(state_dict={}), tmp_path / 'backbone.pth')
    torch.save(dict(state_dict={}), tmp_path / 'best_mIoU_iter_9.pth')
    found = find_training_state(str(tmp_path))
    assert (found.path.name, found.passed_over) == ('model_12.pth', [])
    with open(tmp_path / 'model_12.pth', 'r+b') as file:
        file.truncate(900)
    found = find_training_state(str(tmp_path))
    assert found.path.name == 'model_9.pth'
    assert len(found.passed_over) == 1 and 'model_12.pth' in found.passed_over[0]


@pytest.mark.parametrize(
    'change, message',
    [
        (
            lambda c: c['optimizer']['state'][0]['exp_avg'].fill_(float('nan')),
            'exp_avg of weight 0',
        ),
        (lambda c: c.update(ema_state_dict=dict(w=torch.tensor([float('inf')]))), 'the first is w'),
        (lambda c: c.update(message_hub=5), 'message_hub is no dict'),
        (lambda c: c.update(optimizer=[1]), 'no optimizer'),
    ],
    ids=['optimizer', 'averages', 'message hub', 'optimizer of another kind'],
)
def test_all_parts_of_a_checkpoint_are_looked_at(change, message, tmp_path):
    train(config(tmp_path, iters=3))
    content = torch.load(tmp_path / 'iter_3.pth', weights_only=False)
    change(content)
    torch.save(content, tmp_path / 'iter_3.pth')
    with pytest.raises(CheckpointError, match=message):
        read_training_state(tmp_path / 'iter_3.pth')


@pytest.mark.skipif(not hasattr(signal, 'SIGHUP'), reason='no terminals that hang up')
def test_a_lost_terminal():
    """Saves, but where it is ignored, as by nohup."""
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stop_requests() as request:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not request.signum
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with stop_requests() as request:
            os.kill(os.getpid(), signal.SIGHUP)
            assert request.signum == signal.SIGHUP
    finally:
        signal.signal(signal.SIGHUP, before)
