"""Metrics that a config goes by, and what evaluators compute."""

import pytest
from mmengine.config import Config

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.check_metrics import check_metrics
from hybrid_backbones.zoo.configs import read_config
from tests.configs.common import CLASSIFIERS, NAMES

pytest.importorskip('mmpose')


def config(scope, best, *metrics):
    evaluator = [dict(metric) for metric in metrics]
    hook = dict(type='CheckpointHook', save_best=best)
    for metric in evaluator:
        hook.update(rule=metric.pop('rule', None))
    hooks = dict(checkpoint=hook)
    return Config(dict(default_scope=scope, default_hooks=hooks, val_evaluator=evaluator))


BOXES = dict(type='CocoMetric', metric=['bbox'])
MASKS = dict(type='CocoMetric', metric=['bbox', 'segm'])
MIOU = dict(type='IoUMetric', iou_metrics=['mIoU'])


@pytest.mark.parametrize(
    'scope, best, metric',
    [
        ('mmdet', 'coco/bbox_mAP', BOXES),
        ('mmdet', 'auto', BOXES),
        ('mmdet', ['coco/bbox_mAP_50', 'coco/segm_mAP_l'], MASKS),
        ('mmdet', 'mine/bbox_mAP', dict(BOXES, prefix='mine')),
        ('mmdet', 'anything', dict(type='MyMetric', rule='greater')),
        ('mmdet', 'coco/person_precision', dict(BOXES, classwise=True)),
        ('mmdet', 'coco/AR@100', dict(type='CocoMetric', metric='proposal')),
        ('mmdet', 'coco/segm_mAP', dict(type='mmdet.CocoMetric', metric=['bbox', 'segm'])),
        ('mmseg', 'mIoU', MIOU),
        (
            'mmseg',
            'mFscore',
            dict(type='IoUMetric', iou_metrics=['mIoU', 'mFscore'], rule='greater'),
        ),
        ('mmpretrain', 'accuracy/top1', dict(type='Accuracy')),
        ('mmpretrain', 'accuracy/top5', dict(type='Accuracy', topk=(1, 5))),
        ('mmpretrain', 'accuracy/top1_thr-0.50', dict(type='Accuracy', thrs=(0.5, 0.9))),
        ('mmdet', 'lvis/bbox_AP', dict(type='LVISMetric', rule='greater')),
        ('mmdet', 'pascal_voc/mAP', dict(type='VOCMetric', metric='mAP')),
        ('mmdet', 'coco_panoptic/PQ_th', dict(type='CocoPanopticMetric', rule='greater')),
        ('mmpose', 'coco/AP', dict(type='CocoMetric', ann_file='a.json', rule='greater')),
        ('mmpose', 'coco/AR (M)', dict(type='CocoMetric', ann_file='a.json', rule='greater')),
        ('mmpose', 'PCKh', dict(type='PCKAccuracy', norm_item=['bbox', 'head'], rule='greater')),
        ('mmpose', 'EPE', dict(type='EPE', rule='less')),
    ],
)
def test_computed(scope, best, metric):
    check_metrics(config(scope, best, metric))


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
        check_metrics(config(scope, best, metric))
    assert hint in str(caught.value)


def test_without_an_evaluator():
    check_metrics(Config(dict(default_scope='mmdet')))
    check_metrics(config('mmdet', 'coco/bbox_mAP'))


def test_our_configs():
    kinds = {name.partition('_')[0]: name for name in NAMES}  # one of each
    for name in kinds.values():
        check_metrics(read_config(name))


def test_our_classifiers():
    pytest.importorskip('mmpretrain')
    check_metrics(read_config(CLASSIFIERS[0]))


def with_hook(scope, metric, **hook):
    return Config(dict(default_scope=scope, custom_hooks=[hook], val_evaluator=metric))


def test_a_hook_of_ones_own():
    check_metrics(with_hook('mmseg', MIOU, type='CheckpointHook', save_best='mIoU'))
    with pytest.raises(ConfigError, match=r'custom_hooks\.0\.save_best is .*; mIoU is close'):
        check_metrics(with_hook('mmseg', MIOU, type='CheckpointHook', save_best='mIOU'))


def test_early_stopping():
    """mmengine passes over a metric that is not there, and never stops."""
    check_metrics(with_hook('mmseg', MIOU, type='EarlyStoppingHook', monitor='mIoU'))
    with pytest.raises(ConfigError, match=r'custom_hooks\.0\.monitor is .*; mIoU is close'):
        check_metrics(with_hook('mmseg', MIOU, type='EarlyStoppingHook', monitor='val/mIoU'))


def test_plateau():
    def config(monitor, **others):
        scheduler = dict(type='ReduceOnPlateauLR', monitor=monitor, **others)
        return Config(dict(default_scope='mmdet', param_scheduler=scheduler, val_evaluator=BOXES))

    check_metrics(config('coco/bbox_mAP', rule='greater'))
    with pytest.raises(ConfigError, match=r'param_scheduler\.0\.monitor is .* computes'):
        check_metrics(config('coco/segm_mAP', rule='greater'))
    with pytest.raises(
        ConfigError, match=r"rule is 'less', .* set param_scheduler\.0\.rule=greater"
    ):
        check_metrics(config('coco/bbox_mAP'))  # less is mmengine's default


@pytest.mark.parametrize(
    'scope, best, metric, message',
    [
        ('mmseg', 'mIoU', dict(MIOU, rule='less'), 'worst mIoU would be the best: set .*=greater'),
        ('mmpose', 'EPE', dict(type='EPE', rule='greater'), 'set .*checkpoint.rule=less'),
        ('mmpose', 'coco/AP', dict(type='CocoMetric'), 'does not know .*checkpoint.rule=greater'),
        ('mmseg', 'mIoU', dict(MIOU, rule='max'), "is 'max'; 'greater' or 'less'"),
        ('mmdet', 'anything', dict(type='MyMetric'), 'does not know whether more is better'),
    ],
)
def test_which_way_is_better(scope, best, metric, message):
    with pytest.raises(ConfigError, match=message):
        check_metrics(config(scope, best, metric))


def test_several_evaluators():
    """One that is not known may compute anything."""
    check_metrics(config('mmseg', 'mAP', MIOU, dict(type='MyMetric')))
    with pytest.raises(ConfigError, match='computes PCK, EPE'):
        check_metrics(config('mmpose', 'mAP', dict(type='PCKAccuracy'), dict(type='EPE')))
