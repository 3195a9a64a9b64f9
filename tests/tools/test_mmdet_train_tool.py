"""In somebody's own folder: a config of five lines, and MMDetection's own tool, as shipped."""

import os
import sys
from pathlib import Path

import pytest

from hybrid_backbones import backbones
from hybrid_backbones.synthetic import write_coco
from tests.tools.commands import run

mmdet = pytest.importorskip('mmdet')

CONFIG = """_base_ = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
model = dict(
    backbone=dict(_delete_=True, type='hybrid_backbones.{}', arch='{}', out_indices=(1, 2, 3)),
    neck=dict(in_channels={}, start_level=0),
    bbox_head=dict(num_classes=3))
"""
SHORT = (
    '{0}_dataloader.dataset.data_root=mini/',
    '{0}_dataloader.dataset.metainfo.classes=(disc,square,triangle)',
    '{0}_dataloader.dataset.indices=8',
    '{0}_dataloader.num_workers=0',
    '{0}_dataloader.persistent_workers=False',
)
SIZE = '_dataloader.dataset.pipeline.{}.scale=(160,128)'


@pytest.mark.slow
@pytest.mark.parametrize(
    'family, arch',
    [
        pytest.param('Conformer', 'tiny_patch16', marks=pytest.mark.extended),
        pytest.param('CvT', '13', marks=pytest.mark.extended),
        pytest.param('HRFormer', 'tiny', marks=pytest.mark.extended),
        pytest.param('TransXNet', 't', marks=pytest.mark.extended),
        ('UniFormer', 'xxs'),
    ],
)
def test_a_config_of_five_lines(family, arch, tmp_path, mini_root):
    channels = list(getattr(backbones, family)(arch, out_indices=(1, 2, 3)).out_channels)
    (tmp_path / 'mine.py').write_text(CONFIG.format(family, arch, channels))
    (tmp_path / 'mini').symlink_to(write_coco(mini_root / 'coco'))
    options = [option.format(part) for part in ('train', 'val') for option in SHORT]
    options += ['train' + SIZE.format(2), 'val' + SIZE.format(1), 'train_cfg.max_epochs=1']
    options += ['val_evaluator.ann_file=mini/annotations/instances_val2017.json']
    tool = Path(mmdet.__file__).parent / '.mim' / 'tools' / 'train.py'
    without = [f'-u{name}' for name in os.environ if name == 'PYTHONPATH']
    module = ('-m', 'hybrid_backbones.openmmlab.operators')  # mmcv need not be compiled
    command = ('env', *without, sys.executable, *module, tool, 'mine.py', '--work-dir', 'work')
    result = run(tmp_path, *command, '--cfg-options', *options)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert 'Epoch(val) [1][8/8]' in output
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file()
