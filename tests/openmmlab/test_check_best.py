"""``save_best`` and what evaluators compute."""

import pytest
from mmengine.config import Config

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.check_best import check_best
from hybrid_backbones.zoo.configs import read_config
from tests.configs.common import CLASSIFIERS, NAMES

pytest.importorskip('mmpose')


def config(scope, best, *metrics):
    evaluator = [dict(metric) for metric in metrics]
    hooks = dict(checkpoint=dict(type='CheckpointHook', save_best=best))
    return Config(dict(default_scope=scope, default_hooks=hooks, val_evaluator=evaluator))


BOXES = dict(type='CocoMetric', metric=['bbox'])
MASKS = dict(type='CocoMetric', metric=['bbox', 'segm'])


@pytest.mark.parametrize(
    'scope, best, metric',
    [
        ('mmdet', 'coco/bbox_mAP', BOXES),
        ('mmdet', 'auto', BOXES),
        ('mmdet', ['coco/bbox_mAP_50', 'coco/segm_mAP_l'], MASKS),
        ('mmdet', 'mine/bbox_mAP', dict(BOXES, prefix='mine')),
        ('mmdet', 'anything', dict(type='MyMetric')),
        ('mmdet', 'coco/person_precision', dict(BOXES, classwise=True)),
        ('mmdet', 'coco/AR@100', dict(type='CocoMetric', metric='proposal')),
        ('mmdet', 'coco/segm_mAP', dict(type='mmdet.CocoMetric', metric=['bbox', 'segm'])),
        ('mmseg', 'mIoU', dict(type='IoUMetric', iou_metrics=['mIoU'])),
        ('mmseg', 'mFscore', dict(type='IoUMetric', iou_metrics=['mIoU', 'mFscore'])),
        ('mmpretrain', 'accuracy/top1', dict(type='Accuracy')),
        ('mmpretrain', 'accuracy/top5', dict(type='Accuracy', topk=(1, 5))),
        ('mmpretrain', 'accuracy/top1_thr-0.50', dict(type='Accuracy', thrs=(0.5, 0.9))),
        ('mmpose', 'coco/AP', dict(type='CocoMetric', ann_file='a.json')),
        ('mmpose', 'coco/AR (M)', dict(type='CocoMetric', ann_file='a.json')),
    ],
)
def test_computed(scope, best, metric):
    check_best(config(scope, best, metric))


@pytest.mark.parametrize(
    'scope, best, metric, hint',
    [
        ('mmdet', 'bbox_mAP', BOXES, 'coco/bbox_mAP is close'),
        ('mmdet', 'coco/segm_mAP', BOXES, 'coco/bbox_mAP, '),
        ('mmdet', ['coco/bbox_mAP', 'coco/bbox_map'], BOXES, 'coco/bbox_mAP is close'),
        ('mmdet', 'coco/bbox_mAP', dict(BOXES, prefix='mine'), 'mine/bbox_mAP is close'),
        ('mmseg', 'miou', dict(type='IoUMetric', iou_metrics=['mIoU']), 'aAcc, mIoU, mAcc'),
        ('mmseg', 'mDice', dict(type='IoUMetric'), 'aAcc, mIoU, mAcc'),
        ('mmpretrain', 'top1', dict(type='Accuracy'), 'accuracy/top1 is close'),
        ('mmpose', 'AP', dict(type='CocoMetric', ann_file='a.json'), 'coco/AP is close'),
    ],
)
def test_not_computed(scope, best, metric, hint):
    with pytest.raises(ConfigError, match=r'save_best is .* computes ') as caught:
        check_best(config(scope, best, metric))
    assert hint in str(caught.value)


def test_without_an_evaluator():
    check_best(Config(dict(default_scope='mmdet')))
    check_best(config('mmdet', 'coco/bbox_mAP'))


def test_our_configs():
    kinds = {name.partition('_')[0]: name for name in NAMES}  # one of each
    for name in kinds.values():
        check_best(read_config(name))


def test_our_classifiers():
    pytest.importorskip('mmpretrain')
    check_best(read_config(CLASSIFIERS[0]))
