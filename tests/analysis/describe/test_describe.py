"""Descriptions against the built models, the published files and the configs themselves."""

import json
import re

import pytest
import torch

from hybrid_backbones import backbones
from hybrid_backbones.analysis.describe.describe import describe
from hybrid_backbones.analysis.describe.text import amount, as_text
from hybrid_backbones.cli.main import main
from hybrid_backbones.complexity import count_flops, count_parameters
from hybrid_backbones.complexity.parts import describe_parts
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.configs import get_config, list_configs
from hybrid_backbones.zoo.names import short_names

SLOW = pytest.mark.slow
SMALLEST = [
    pytest.param('Conformer', 'tiny_patch16', {}, marks=SLOW),
    ('CvT', '13', dict(out_norm=True)),
    pytest.param('HRFormer', 'tiny', {}, marks=SLOW),
    pytest.param('TransXNet', 't', {}, marks=SLOW),
    ('UniFormer', 'xxs', {}),
    ('UniFormer', 'small', dict(stage3_attention='hybrid')),
]


@pytest.mark.parametrize('family, arch, options', SMALLEST, ids=str)
def test_parts_are_the_whole(family, arch, options):
    with torch.device('meta'):
        backbone = getattr(backbones, family)(arch, **options).eval()
    parts = describe_parts(backbone, 100, 150)
    assert sum(part.params for part in parts) == count_parameters(backbone)
    assert sum(part.flops for part in parts) == count_flops(backbone, 100, 150)
    names = [part.name for part in parts]
    assert names[:5] == ['stem', *(f'stage {i}' for i in range(1, 5))]
    assert set(names[5:]) <= {'output norms'}, 'nothing is left over'
    assert all(part.params for part in parts)
    assert all(part.flops for part in parts[:5])
    hooks = [hook for m in backbone.modules() for hook in (m._forward_hooks, m._forward_pre_hooks)]
    assert not any(hooks), 'the backbone is left as it was'


def test_one_part_by_hand():
    """UniFormer-S's stem: a 4x4 convolution of stride 4 and LayerNorm."""
    stem, first = describe('uniformer_s', (64, 96))['parts'][:2]
    assert stem['params'] == 3 * 16 * 64 + 64 + 2 * 64
    assert stem['flops'] == (16 * 24) * 3 * 16 * 64
    assert first['layers'] == '3 LocalBlock'


@pytest.fixture(scope='module')
def uniformer():
    return describe('uniformer_s')


def test_backbone(uniformer):
    assert (uniformer['type'], uniformer['arch']) == ('hybrid_backbones.UniFormer', 'small')
    assert [level['channels'] for level in uniformer['levels']] == [64, 128, 320, 512]
    assert [level['size'] for level in uniformer['levels']] == [
        *([200, 320], [100, 160], [50, 80], [25, 40])
    ]
    assert round(uniformer['params'] / 1e6, 1) == 21.0
    assert round(uniformer['flops'] / 1e9, 1) == 154.9, 'as in the README'
    assert uniformer['paper'] == 'https://arxiv.org/abs/2201.09450'
    assert uniformer['notes'].startswith('UniFormer as a dense backbone')
    json.dumps(uniformer)


def test_weights(uniformer):
    (file,) = uniformer['weights']
    assert (file['file'], file['top1']) == ('uniformer_small_in1k.pth', 82.9)
    assert file['direct'] and file['url'].endswith('/uniformer_small_in1k.pth')
    assert file['in_configs']
    best, *others = describe('cvt_13', (64, 64))['weights']
    assert [best['top1'], *(file['top1'] for file in others)] == [83.3, 83.0, 81.6]
    assert [file['in_configs'] for file in (best, *others)] == [False, False, True]


@pytest.mark.parametrize('name', ['uniformer_xxs', 'conformer_s32'])
def test_our_weights_are_among_the_published(name):
    """Pages, files under other names, OpenMMLab's."""
    assert sum(file['in_configs'] for file in describe(name, (64, 64))['weights']) == 1


def test_every_config_is_of_one_backbone(uniformer):
    """Their names say so: one backbone's name is part of another's."""
    found = [name for short in short_names() for name in list_configs() if f'_{short}_' in name]
    assert sorted(found) == list_configs()
    configs = {config['name']: config['published'] for config in uniformer['configs']}
    assert configs['maskrcnn_uniformer_s_1x'] == {'box AP': 45.6, 'mask AP': 41.6}
    assert 'semanticfpn_uniformer_s_h32_80k_ade20k' in configs
    assert not any('conformer' in name for name in configs)


def test_a_config_of_an_odd_name_has_the_backbone():
    pytest.importorskip('mmseg')
    assert get_config('semanticfpn_uniformer_s_h32_80k_ade20k').model.backbone.arch == 'small'


def test_words(uniformer):
    text = as_text(uniformer)
    for line in (
        "hybrid_backbones.UniFormer, arch='small': uniformer_s in the built-in configs",
        '  c4  320 channels  stride 16  50x80',
        '  82.9  uniformer_small_in1k.pth (Apache-2.0); the built-in configs begin with it',
        '17 built-in configs',
    ):
        assert line in text.splitlines()
    assert 'published weights' in text
    assert 'maskrcnn_uniformer_s_1x                   box AP 45.6, mask AP 41.6' in text


def test_json(capsys):
    main(['describe', 'uniformer_xxs', '--size', '64x64', '--json'])
    about = json.loads(capsys.readouterr().out)
    assert (about['kind'], about['arch'], about['size']) == ('backbone', 'xxs', [64, 64])


def test_words_of_streams():
    text = as_text(describe('hrformer_tiny', (64, 64)))
    assert '3 HRModule of 3 streams with 2 Block each' in text
    assert '2 Bottleneck' in text


def test_arch_without_config():
    about = describe('uniformer_large_ls_tl', (64, 64))
    assert about['short_name'] is None and about['configs'] == []
    assert 'no built-in config has it' in as_text(about)
    assert 'a page: open it in a browser' in as_text(about)


@pytest.fixture(scope='module')
def mask_rcnn():
    pytest.importorskip('mmdet')
    return describe('maskrcnn_uniformer_s_1x')


def test_config(mask_rcnn):
    assert (mask_rcnn['library'], mask_rcnn['model']) == ('mmdet', 'MaskRCNN')
    parts = {part['name']: part['params'] for part in mask_rcnn['parts']}
    assert list(parts) == ['backbone', 'neck', 'rpn_head', 'bbox_head', 'mask_head']
    assert sum(parts.values()) == mask_rcnn['params']
    assert round(mask_rcnn['params'] / 1e6) == 41, 'as published'
    assert mask_rcnn['size'] == [800, 1280]
    assert mask_rcnn['backbone']['channels'] == [64, 128, 320, 512]
    assert mask_rcnn['backbone']['weights'].endswith('uniformer_small_in1k.pth')
    assert mask_rcnn['data']['dataset'] == 'CocoDataset'
    assert mask_rcnn['data']['metrics'] == ['CocoMetric (bbox, segm)']
    assert (mask_rcnn['schedule']['length'], mask_rcnn['schedule']['unit']) == (12, 'epochs')
    assert mask_rcnn['schedule']['policy'][1].startswith('MultiStepLR epochs 0-12 (milestones')
    assert mask_rcnn['batch'] == dict(per_gpu=2, gpus=8, total=16)
    assert mask_rcnn['optimizer']['type'] == 'AdamW' and mask_rcnn['optimizer']['lr'] == 1e-4
    assert mask_rcnn['published'] == {'box AP': 45.6, 'mask AP': 41.6}
    json.dumps(mask_rcnn)


def test_words_of_a_config(mask_rcnn):
    text = as_text(mask_rcnn)
    for words in ('16 = 8 GPUs x 2', '12 epochs', 'AdamW, lr 0.0001, weight decay 0.05'):
        assert words in text
    assert 'box AP 45.6, mask AP 41.6 (https://' in text


OCR, POSE = 'ocr_hrformer_s_80k_cityscapes', 'topdown_hrformer_t_210e_coco_256x192'


@pytest.mark.parametrize(
    'name, parts, length, metric',
    [
        pytest.param(
            *(OCR, ['backbone', 'decode_head'], (80000, 'iters'), 'IoUMetric (mIoU)'), marks=SLOW
        ),
        (POSE, ['backbone', 'head'], (210, 'epochs'), 'CocoMetric'),
    ],
)
def test_other_tasks(name, parts, length, metric):
    pytest.importorskip('mmseg' if 'ocr' in name else 'mmpose')
    about = describe(name)
    assert [part['name'] for part in about['parts']] == parts
    assert (about['schedule']['length'], about['schedule']['unit']) == length
    assert about['data']['metrics'] == [metric]
    assert about['batch']['total'] == about['batch']['per_gpu'] * about['batch']['gpus']
    assert about['flops'] > 0


def test_config_of_a_library():
    pytest.importorskip('mmdet')
    about = describe('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', (256, 256))
    assert about['backbone']['type'] == 'ResNet'
    assert about['backbone']['channels'] is None, 'ResNet does not say'
    assert about['batch'] == dict(per_gpu=2, gpus=8, total=16)
    assert (about['published'], about['size']) == ({}, [256, 256])
    assert 'SGD, lr 0.01' in as_text(about)


def test_least_of_configs(tmp_path):
    """Nothing but a model, with nothing to train it on."""
    pytest.importorskip('mmdet')
    backbone = dict(type='hybrid_backbones.UniFormer', arch='xxs', out_indices=(3,))
    model = dict(type='mmpretrain_like', backbone=backbone)
    path = tmp_path / 'mine.py'
    path.write_text(f"default_scope = 'mmdet'\nmodel = {model}")
    with pytest.raises(ConfigError, match=r'the model of .*mine.py cannot be built.*_like'):
        describe(str(path))
    model = dict(
        type='RetinaNet',
        backbone=backbone,
        neck=dict(type='FPN', in_channels=[448], out_channels=32, num_outs=1),
        bbox_head=dict(type='RPNHead', in_channels=32, anchor_generator=ANCHORS),
    )
    path.write_text(f"default_scope = 'mmdet'\nmodel = {model}")
    about = describe(str(path))
    assert about['batch'] == dict(per_gpu=None, gpus=None, total=None)
    assert about['data']['dataset'] is None
    text = as_text(about)
    assert re.search(r'^  weights +random$', text, re.M)
    assert 'None' not in text


ANCHORS = dict(type='AnchorGenerator', scales=[8], ratios=[1.0], strides=[32])


def test_refusals():
    with pytest.raises(ConfigError, match='at least 32x32'):
        describe('uniformer_s', (16, 64))
    with pytest.raises(ConfigError, match='close: maskrcnn_uniformer_'):
        describe('maskrcnn_uniformer_m_1x')
    with pytest.raises(ConfigError, match="no backbone 'resnet50'"):
        describe('resnet50')


def test_amounts():
    numbers = (12, 999, 3264, 99_960, 20_990_000, 154_900_000_000)
    assert [amount(n) for n in numbers] == ['12', '999', '3.26 K', '100 K', '21.0 M', '155 G']
