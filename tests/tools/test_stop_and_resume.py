"""A training that is stopped and resumed ends with the weights of one that was not."""

import random
import re
import signal
import sys
import time

import pytest
import torch

from tests.tools.commands import PROJECT, complaint, start, tool

pytest.importorskip('mmpose')
pytestmark = [pytest.mark.slow, pytest.mark.extended]

SHORT = (
    'randomness.seed=3',
    'default_hooks.logger.interval=1',
    'train_dataloader.num_workers=1',
    'train_dataloader.batch_size=2',
)
BY_ITERATIONS = ('train_cfg.max_iters=8', 'train_cfg.val_interval=100')
BY_EPOCHS = (
    'train_cfg.max_epochs=2',
    'train_cfg.val_interval=100',
    'train_dataloader.dataset.indices=8',
)
CONFIGS = {
    'semanticfpn_uniformer_xxs_80k_ade20k': BY_ITERATIONS,
    'maskrcnn_uniformer_xxs_1x': BY_EPOCHS,
    'topdown_hrformer_t_210e_coco_256x192': BY_EPOCHS,
}


def arguments(name, work_dir):
    options = ('--cfg-options', *SHORT, *CONFIGS[name])
    return [PROJECT / 'configs' / f'{name}.py', '--mini', '--work-dir', work_dir, *options]


def weights(folder):
    (path,) = [p for p in folder.glob('*.pth') if p.stem in ('iter_8', 'epoch_2')]
    return torch.load(path, weights_only=False)['state_dict']


@pytest.mark.parametrize('name', CONFIGS)
def test_sigterm(name, tmp_path):
    result = tool(tmp_path, 'train', *arguments(name, 'whole'))
    assert result.returncode == 0, result.stdout + result.stderr

    command = [sys.executable, PROJECT / 'tools' / 'train.py', *arguments(name, 'stopped')]
    process = start(tmp_path, *command)
    after = random.randint(1, 6)
    seen = 0
    for line in process.stdout:
        if 'Epoch(train)' in line or 'Iter(train)' in line:
            seen += 1
        if seen == after:
            process.send_signal(signal.SIGTERM)
            break
    began = time.monotonic()
    _, errors = process.communicate(timeout=100)
    assert time.monotonic() - began < 60
    assert process.returncode == 128 + signal.SIGTERM, errors
    (line,) = [line for line in errors.splitlines() if line.startswith('hybrid-backbones')]
    saved = re.search(r'stopped by SIGTERM after iteration (\d+); saved (\S+);', line)
    assert '`' not in line and line.endswith('the same command with --resume goes on')
    assert int(saved[1]) >= after

    result = tool(tmp_path, 'train', *arguments(name, 'stopped'), '--resume')
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert f'stopped_iter_{saved[1]}.pth, after iteration {saved[1]}' in output
    whole, resumed = weights(tmp_path / 'whole'), weights(tmp_path / 'stopped')
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


def test_another_model_and_bare_weights(tmp_path):
    name = 'semanticfpn_uniformer_xxs_80k_ade20k'
    result = tool(tmp_path, 'train', *arguments(name, 'work'))
    assert result.returncode == 0, result.stdout + result.stderr
    other = PROJECT / 'configs' / 'semanticfpn_uniformer_xs_80k_ade20k.py'
    result = tool(tmp_path, 'train', other, '--mini', '--resume', 'work/iter_8.pth')
    assert 'is no checkpoint of this config' in complaint(result)
    state = torch.load(tmp_path / 'work' / 'iter_8.pth', weights_only=False)['state_dict']
    torch.save(state, tmp_path / 'bare.pth')
    result = tool(tmp_path, 'train', *arguments(name, 'work'), '--resume', 'bare.pth')
    assert 'is no checkpoint of a training' in complaint(result)
