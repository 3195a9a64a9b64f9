"""What a user does with a config, from the first iteration to an exported file, on any stack.

`make test` has a closer test of each step; ``make stack`` runs these where the versions differ.
"""

import sys
import time
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
import torch

from hybrid_backbones.cli.main import COMMANDS
from tests.tools.commands import run, start

pytestmark = [pytest.mark.slow, pytest.mark.extended, pytest.mark.stack]

TOOL = (sys.executable, '-m', 'hybrid_backbones')
SHORT = ('train_dataloader.num_workers=0', 'train_dataloader.batch_size=2')
ITERATIONS = ('train_cfg.max_iters=4', 'train_cfg.val_interval=100')
EPOCHS = (
    'train_cfg.max_epochs=4',
    'train_cfg.val_interval=100',
    'train_dataloader.dataset.indices=6',
)
EACH_ITERATION = (
    'default_hooks.checkpoint.by_epoch=False',
    'default_hooks.checkpoint.interval=1',
)
CONFIGS = {
    'maskrcnn_uniformer_xxs_1x': ('mmdet', EPOCHS),
    'semanticfpn_uniformer_xxs_80k_ade20k': ('mmseg', ITERATIONS),
    'topdown_hrformer_t_210e_coco_256x192': ('mmpose', EPOCHS),
}
DROP_IN = {
    'mmdet': (
        'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
        'mmdet::rtmdet/rtmdet_s_8xb32-300e_coco.py',
    ),
    'mmseg': (
        'mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py',
        'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
    ),
}
# what runs without mmdet, mmseg and mmpose
ALONE = {
    'list': ('backbones',),
    'describe': ('uniformer_xxs',),
    'benchmark': ('uniformer_xxs', '--size', '64x64', '--repeats', '1'),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('stack')


def succeed(folder, *arguments):
    result = run(folder, *TOOL, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def need(library):
    if find_spec(library) is None:
        pytest.skip(f'needs {library}')


def training(name):
    library, length = CONFIGS[name]
    need(library)
    options = ('--cfg-options', *SHORT, *length, *EACH_ITERATION)
    return ['train', name, '--mini', '--work-dir', name, *options]


@pytest.fixture(scope='module')
def trained(folder):
    """By config: the last checkpoint of a training that was killed once and resumed."""
    done = {}

    def train(name):
        if name not in done:
            command = training(name)
            work_dir = folder / name
            process = start(folder, *TOOL, *command)
            while process.poll() is None and not any(work_dir.glob('iter_*.pth')):
                time.sleep(0.1)
            process.kill()
            process.communicate()
            assert any(work_dir.glob('iter_*.pth'))
            assert 'resuming from' in succeed(folder, *command, '--resume')
            files = work_dir.glob('iter_*.pth')
            done[name] = max(files, key=lambda path: int(path.stem.partition('_')[2]))
        return done[name]

    return train


@pytest.mark.parametrize('name', CONFIGS)
def test_killed_and_resumed(trained, name):
    assert trained(name).is_file()


@pytest.mark.parametrize('name', CONFIGS)
def test_tested(trained, folder, name):
    short = ('--cfg-options', 'test_dataloader.dataset.indices=3')
    output = succeed(folder, 'test', name, trained(name), '--mini', *short)
    assert any(word in output for word in ('mask AP', 'mIoU', 'keypoint AP'))


@pytest.mark.parametrize('name', CONFIGS)
def test_predicted(trained, folder, name):
    cv2.imwrite(str(folder / 'image.png'), np.random.default_rng(0).integers(0, 255, (96, 128, 3)))
    out = f'predicted_{name}'
    weights = ('--weights', trained(name))
    succeed(folder, 'predict', name, 'image.png', *weights, '--mini', '--out', out)
    assert any((folder / out).iterdir())


@pytest.mark.parametrize('name', CONFIGS)
def test_converted(trained, folder, name):
    succeed(folder, 'convert', trained(name), f'{name}-official.pth', '--to', 'official')
    assert any(folder.glob(f'{name}-official-*.pth'))  # named by its hash


class Canary:
    """Leaves a file where it is unpickled by a reader that runs code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


TRAINED_FROM = {
    'load_from': ('load_from={}',),
    'ema': ('load_from={}', 'custom_hooks=[{{"type": "EMAHook"}}]'),
    'model': ('model.init_cfg.type=Pretrained', 'model.init_cfg.checkpoint={}'),
    'head': (
        'model.decode_head.init_cfg.type=Pretrained',
        'model.decode_head.init_cfg.checkpoint={}',
    ),
}
WAYS = [
    ('semanticfpn_uniformer_xxs_80k_ade20k', 'resume'),
    *(('semanticfpn_uniformer_xxs_80k_ade20k', way) for way in TRAINED_FROM),
    *((name, way) for name in CONFIGS for way in ('test', 'predict')),
    ('semanticfpn_uniformer_xxs_80k_ade20k', 'convert'),
]


@pytest.mark.parametrize('name, way', WAYS)
def test_no_code_runs(trained, folder, name, way):
    good, evil, canary = trained(name), folder / 'evil.pth', folder / f'canary_{name}_{way}'
    content = torch.load(good, weights_only=False)
    content['message_hub'] = Canary(canary)
    if way == 'ema':
        content['ema_state_dict'] = Canary(canary)
    torch.save(content, evil)
    torch.load(evil, weights_only=False)
    assert canary.exists()  # a careless reader runs it
    canary.unlink()
    start = [option.format(evil) for option in TRAINED_FROM.get(way, ())]
    command = {
        'resume': [*training(name), '--resume', evil],
        'test': ['test', name, evil, '--mini'],
        'predict': ['predict', name, 'image.png', '--weights', evil, '--mini'],
        'convert': ['convert', evil, 'out.pth'],
    }.get(way, [*training(name), *start])
    result = run(folder, *TOOL, *command)
    assert result.returncode == 2, result.stdout + result.stderr
    assert not canary.exists()
    assert 'Traceback' not in result.stderr


@pytest.mark.parametrize('config', [c for configs in DROP_IN.values() for c in configs])
def test_drop_in(folder, config):
    need(config.partition('::')[0])
    backbone = 'uniformer_xxs' if 'retinanet' in config else 'hrformer_t'
    out = config.rpartition('/')[2]
    succeed(folder, 'drop-in', config, '--backbone', backbone, '-o', out)  # and tries it
    assert (folder / out).is_file()


@pytest.mark.parametrize('command', ALONE)
def test_with_torch_alone(folder, command):
    assert succeed(folder, command, *ALONE[command])


@pytest.mark.parametrize('command', COMMANDS)
def test_help(folder, command):
    assert COMMANDS[command][:10] in succeed(folder, command, '--help').lower()


def test_commands_on_a_config(trained, folder):
    """What has no test of its own above."""
    name = 'semanticfpn_uniformer_xxs_80k_ade20k'
    checkpoint = trained(name)
    assert 'UniFormer' in succeed(folder, 'print-config', name)
    assert succeed(folder, 'describe', name)
    assert succeed(folder, 'training-memory', name, '--size', '64x64')
    assert succeed(folder, 'check-dataset', name, '--mini', '--quick')
    succeed(folder, 'browse-dataset', name, '--mini', '--num-images', '1', '--out', 'browsed')
    succeed(folder, 'plot-log', name, '--out', 'curves.png')
    succeed(folder, 'visualize', 'features', name, '--weights', checkpoint, '--out', 'maps.png')
    assert (folder / 'curves.png').stat().st_size
