"""Each way in, in a process of its own, without what mmcv has compiled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

mmdet = pytest.importorskip('mmdet')
TOOLS = Path(mmdet.__file__).parent / '.mim/tools'


def run(*command, choice='plain', cwd=None):
    """With a compiled mmcv, ``choice`` keeps it away; without, there is none."""
    here = str(Path(__file__).parents[3])
    env = {
        **os.environ,
        'HYBRID_BACKBONES_OPERATORS': choice,
        'PYTHONPATH': os.pathsep.join([here, *filter(None, [os.environ.get('PYTHONPATH')])]),
        'OMP_NUM_THREADS': '1',
    }
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=env, cwd=cwd, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


IN = 'import hybrid_backbones.openmmlab.operators as operators'
USE = """
import mmcv.ops, torch, sys
from mmcv.utils.ext_loader import check_ops_exist
assert check_ops_exist()
assert type(sys.modules['mmcv._ext']).__name__ == 'StandIn'
assert mmcv.ops.nms(torch.tensor([[0., 0, 2, 2]]), torch.tensor([0.5]), 0.5)[1].tolist() == [0]
assert operators.install() == operators.install() == 'plain'
assert set(operators.served_by().values()) == {'plain'}
"""


@pytest.mark.parametrize('first', ['', 'import mmcv.cnn\n'])
def test_one_line(first):
    if first.endswith('cnn\n'):  # which looks for mmcv.ops and does without
        first = 'import importlib.util, sys\n' + first
        first += 'sys.modules.pop("mmcv.ops", None); sys.modules.pop("mmcv._ext", None)\n'
    code, said = run('-c', f'{first}{IN}\n{USE}')
    assert code == 0, said
    assert said.count('mmcv.ops is served without compiling, by plain torch (nms, ') == 1


def test_detectors_build_with_it():
    """All of MMDetection, and what else its models import from mmcv.ops."""
    code, said = run('-c', f'{IN}\nimport mmdet.models, mmdet.apis, mmcv.ops.point_sample')
    assert code == 0, said


def test_what_has_no_stand_in_refuses_when_it_is_called():
    call = 'mmcv.ops.box_iou_rotated(torch.rand(2, 5), torch.rand(2, 5))'
    code, said = run('-c', f'{IN}\nimport torch, mmcv.ops\n{call}')
    assert code == 1
    last = said.strip().splitlines()[-1]
    assert 'box_iou_rotated of mmcv.ops needs a compiled mmcv: pip' in last


def test_a_wrong_choice_says_the_right_ones():
    code, said = run('-c', IN, choice='fast')
    last = said.strip().splitlines()[-1]
    assert code == 1
    assert last.endswith("must be one of auto, torchvision, plain, got 'fast'")


def test_compiled_is_left_alone(compiled):
    code, said = run('-c', f'{IN}\nprint(operators.install(), operators.served_by())', choice='')
    assert code == 0 and "compiled {'nms': 'compiled'" in said
    assert 'mmcv.ops is served by what is compiled' in said
    first = 'import mmcv.ops\n'
    code, said = run('-c', first + IN, choice='plain')
    assert code == 1 and 'comes too late' in said.strip().splitlines()[-1]
    code, said = run('-c', f'{first}{IN}\nprint(operators.install())', choice='auto')
    assert code == 0 and 'compiled' in said.strip().splitlines()[-1]


def test_the_package_needs_neither_mmcv_nor_torchvision():
    hide = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmcv', 'torchvision', 'pycocotools', 'xtcocotools', 'mmdet'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Hide())
import importlib.util
"""
    hide += 'real = importlib.util.find_spec\n'
    hide += "importlib.util.find_spec = lambda n, p=None: None if n in ('mmcv',"
    hide += " 'xtcocotools', 'pycocotools') else real(n, p)\n"
    code, said = run('-c', f'{hide}{IN}\nprint(operators.install())', choice='')
    assert code == 0 and said.strip().splitlines()[-1] == 'plain', said


MASK_RCNN = """
_base_ = ['mmdet::_base_/models/mask-rcnn_r50_fpn.py']
default_scope = 'mmdet'
model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(depth=18, init_cfg=None, frozen_stages=-1),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=32, num_classes=1),
        mask_roi_extractor=dict(out_channels=16),
        mask_head=dict(in_channels=16, conv_out_channels=16, num_convs=1, num_classes=1)))
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='PackDetInputs', meta_keys=(
        'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CocoDataset', data_root='.', ann_file='truth.json',
                 data_prefix=dict(img=''), metainfo=dict(classes=('square',)),
                 pipeline=pipeline))
val_dataloader = train_dataloader | dict(
    batch_size=1, dataset=train_dataloader['dataset'] | dict(
        test_mode=True, pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(64, 64), keep_ratio=True),
            pipeline[1], pipeline[2]]))
test_dataloader = val_dataloader
val_evaluator = dict(type='CocoMetric', ann_file='truth.json', metric=['bbox', 'segm'])
test_evaluator = val_evaluator
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.001))
default_hooks = dict(logger=dict(type='LoggerHook', interval=1))
"""

# a folder of mmcv.ops' PSAMask; an own base would want mmseg:: before custom_imports are done
PSANET = """
default_scope = 'mmseg'
custom_imports = dict(imports=['hybrid_backbones.openmmlab.operators'])
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(64, 64)),
    backbone=dict(type='ResNetV1c', depth=18),
    decode_head=dict(
        type='PSAHead', in_channels=512, in_index=3, channels=16, mask_size=(5, 5),
        num_classes=2, dropout_ratio=0),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
            dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=False),
    dataset=dict(type='BaseSegDataset', data_root='.', pipeline=pipeline, img_suffix='.png',
                 data_prefix=dict(img_path='images', seg_map_path='labels'),
                 metainfo=dict(classes=('off', 'on'), palette=[[0, 0, 0], [255, 255, 255]])))
val_dataloader = train_dataloader | dict(
    batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='IoUMetric')
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg, test_cfg = dict(type='ValLoop'), dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.001))
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
"""


# on macOS and Windows data loaders are spawned: their processes begin anew
SPAWNED = (
    '--cfg-options',
    'env_cfg.mp_cfg.mp_start_method=spawn',
    'train_dataloader.num_workers=1',
)


def draw_squares(folder):
    images, annotations = [], []
    for n in range(2):
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[10 : 40 + n, 20:50] = 255
        cv2.imwrite(str(folder / f'{n}.png'), picture)
        images.append(dict(id=n, file_name=f'{n}.png', height=64, width=64))
        box, corners = [20, 10, 30, 30 + n], [20, 10, 50, 10, 50, 40 + n, 20, 40 + n]
        common = dict(category_id=1, iscrowd=0, area=900, bbox=box, segmentation=[corners])
        annotations.append(dict(id=n + 1, image_id=n, **common))
    kinds = [dict(id=1, name='square')]
    truth = dict(images=images, annotations=annotations, categories=kinds)
    (folder / 'truth.json').write_text(json.dumps(truth))


MODULE = ('-m', 'hybrid_backbones.openmmlab.operators')


def test_mmdetections_own_tools(tmp_path):
    """They import mmcv.ops before they read the config: custom_imports would come too late."""
    draw_squares(tmp_path)
    config = tmp_path / 'squares.py'
    config.write_text(MASK_RCNN)
    command = (*MODULE, TOOLS / 'train.py', config, '--work-dir', 'work')
    code, said = run(*command, *SPAWNED, cwd=tmp_path)
    assert code == 0, said[-3000:]
    assert 'mmcv.ops is served without compiling, by plain torch' in said
    assert 'loss_mask' in said and 'segm_mAP' in said and 'loss: nan' not in said
    checkpoint = tmp_path / 'work/epoch_1.pth'
    code, said = run(
        *MODULE, TOOLS / 'test.py', config, checkpoint, '--work-dir', 'test', cwd=tmp_path
    )
    assert code == 0 and 'coco/bbox_mAP' in said, said[-3000:]


def test_our_commands(tmp_path):
    draw_squares(tmp_path)
    config = tmp_path / 'squares.py'
    config.write_text(MASK_RCNN)
    command = ('-m', 'hybrid_backbones', 'train', config, '--work-dir', 'work')
    code, said = run(*command, *SPAWNED, cwd=tmp_path)
    assert code == 0, said[-3000:]
    assert said.count('mmcv.ops is served without compiling, by plain torch') == 1
    assert 'loss_mask' in said and 'segm_mAP' in said


def test_a_wrong_choice_in_our_commands(tmp_path):
    config = tmp_path / 'squares.py'
    config.write_text(MASK_RCNN)
    code, said = run('-m', 'hybrid_backbones', 'train', config, choice='fast')
    assert code == 2
    assert len(said.strip().splitlines()) == 1 and "torchvision, plain, got 'fast'" in said


def test_get_config():
    """And nothing is printed: what a script prints may be data."""
    get = "import hybrid_backbones; hybrid_backbones.get_config('maskrcnn_uniformer_s_1x')"
    code, said = run('-c', f'{get}\nimport sys, mmcv.ops, mmdet.apis')
    assert code == 0, said
    assert 'served' not in said


def test_custom_imports_with_mmsegmentations_own_tools(tmp_path):
    mmseg = pytest.importorskip('mmseg')
    tools = Path(mmseg.__file__).parent / '.mim/tools'
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
        for n in range(2):
            cv2.imwrite(str(tmp_path / folder / f'{n}.png'), np.eye(64, dtype=np.uint8))
    config = tmp_path / 'diagonals.py'
    config.write_text(PSANET)
    code, said = run(tools / 'train.py', config, '--work-dir', 'work', cwd=tmp_path)
    assert code == 0, said[-3000:]
    assert 'mmcv.ops is served without compiling, by plain torch' in said
    assert 'decode.loss_ce' in said and 'mIoU' in said
    checkpoint = tmp_path / 'work/iter_2.pth'
    code, said = run(tools / 'test.py', config, checkpoint, '--work-dir', 'test', cwd=tmp_path)
    assert code == 0 and 'mIoU' in said, said[-3000:]


def test_custom_imports_in_mmpose(tmp_path):
    """Its tools import nothing of mmcv before the config; its metrics import xtcocotools."""
    pytest.importorskip('mmpose')
    draw_squares(tmp_path)
    lines = "custom_imports = dict(imports=['hybrid_backbones.openmmlab.operators'])"
    (tmp_path / 'config.py').write_text(lines)
    code, said = run(
        '-c',
        'from mmengine.config import Config\n'
        'from mmengine.registry import METRICS, init_default_scope\n'
        "Config.fromfile('config.py')\n"
        "init_default_scope('mmpose')\n"
        "METRICS.build(dict(type='CocoMetric', ann_file='truth.json'))\n"
        'import mmpose.models, mmpose.apis, mmcv.ops',
        cwd=tmp_path,
    )
    assert code == 0, said


def test_the_module_says_who_serves():
    code, said = run(*MODULE)
    assert code == 0 and len([each for each in said.splitlines() if each.endswith('plain')]) == 14


def test_the_module_refuses_a_script_that_is_not_there():
    code, said = run(*MODULE, 'nowhere.py')
    assert code == 1 and said.strip().splitlines()[-1] == 'no script nowhere.py'
