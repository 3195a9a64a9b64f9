"""Classes of datasets and heads, which the libraries do not compare."""

import pytest

from hybrid_backbones.config.load import override
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.check_classes import check_classes
from hybrid_backbones.zoo.configs import read_config
from tests.configs.common import CLASSIFIERS, NAMES

pytest.importorskip('mmpose')

TRAINING = ('train_dataloader', 'val_dataloader')
BOXES, PIXELS = 'maskrcnn_uniformer_s_1x', 'upernet_uniformer_s_160k_ade20k'
POSES = 'topdown_uniformer_s_210e_coco_256x192'


def check(name, parts=TRAINING, **options):
    cfg = read_config(name)
    override(cfg, {key.replace('__', '.'): value for key, value in options.items()})
    check_classes(cfg, parts)


@pytest.mark.parametrize('name', NAMES)
def test_our_configs(name):
    check(name, (*TRAINING, 'test_dataloader'))


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_our_classifiers(name):
    pytest.importorskip('mmpretrain')
    check(name, (*TRAINING, 'test_dataloader'))
    message = (
        r'model\.head\.num_classes is 10, and the dataset of train_dataloader has 1000 classes'
    )
    with pytest.raises(ConfigError, match=message):
        check(name, model__head__num_classes=10)


@pytest.mark.parametrize(
    'name',
    [
        'mmdet::panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco.py',
        'mmdet::htc/htc_r50_fpn_1x_coco.py',
        'mmdet::queryinst/queryinst_r50_fpn_1x_coco.py',
        'mmdet::rpn/rpn_r50_fpn_1x_coco.py',
        'mmdet::soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco.py',
        'mmdet::ms_rcnn/ms-rcnn_r50_fpn_1x_coco.py',
        'mmdet::lvis/mask-rcnn_r50_fpn_sample1e-3_ms-1x_lvis-v1.py',
        'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py',
        'mmseg::unet/unet-s5-d16_fcn_4xb4-40k_chase-db1-128x128.py',
        'mmseg::point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py',
    ],
)
def test_the_libraries_configs(name):
    """None is refused."""
    check(name)


@pytest.mark.parametrize(
    'name, options, message',
    [
        (
            BOXES,
            dict(model__roi_head__bbox_head__num_classes=3),
            r'model\.roi_head\.bbox_head\.num_classes is 3, and the dataset of train_dataloader '
            r'has 80 classes \(person, bicycle, car, \.\.\.\): '
            r'set model\.roi_head\.bbox_head\.num_classes=80',
        ),
        (
            BOXES,
            dict(train_dataloader__dataset__metainfo=dict(classes=('bolt', 'nut'))),
            r'val_dataloader has 80 classes \(person, .*, that of train_dataloader '
            r'2 classes \(bolt, nut\): set val_dataloader\.dataset\.metainfo\.classes',
        ),
        (
            'cascademaskrcnn_uniformer_s_3x',
            {'model.roi_head.bbox_head.1.num_classes': 81},
            r'\.1\.num',
        ),
        (PIXELS, dict(model__decode_head__num_classes=151), '150 classes'),
        (PIXELS, dict(model__auxiliary_head__num_classes=19), r'auxiliary_head\.num_classes=150'),
        (POSES, dict(model__head__out_channels=16), 'is 16, and .* has 17 keypoints'),
    ],
)
def test_differences(name, options, message):
    with pytest.raises(ConfigError, match=message):
        check(name, **options)


def test_what_is_not_compared():
    """A head without masks of classes, parts that are not used, datasets that differ."""
    mask_head = dict(class_agnostic=True, num_classes=1)
    check(BOXES, **{f'model__roi_head__mask_head__{k}': v for k, v in mask_head.items()})
    own = dict(test_dataloader__dataset__metainfo=dict(classes=('bolt',)))
    check(BOXES, **own)
    with pytest.raises(ConfigError, match='1 classes'):
        check(BOXES, ('test_dataloader',), **own)
