"""The names under which evaluators report their metrics."""

from itertools import product
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ..config.data import as_list
from ..config.traverse import kind_of

COCO = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
RECALLS = tuple(f'AR{at}' for at in ('@100', '@300', '@1000', '_s@1000', '_m@1000', '_l@1000'))
LVIS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'APr', 'APc', 'APf')
PANOPTIC = tuple(f'{name}Q{of}' for of, name in product(('', '_th', '_st'), 'PSR'))
POSE = tuple(
    f'{kind}{at}' for kind, at in product(('AP', 'AR'), ('', ' .5', ' .75', ' (M)', ' (L)'))
)
SEGMENTATION = dict(
    mIoU=('mIoU', 'mAcc'), mDice=('mDice', 'mAcc'), mFscore=('mFscore', 'mPrecision', 'mRecall')
)
PCK = dict(bbox='PCK', head='PCKh', torso='tPCK')
ERRORS = ('EPE', 'NME', 'mMR')  # the less, the better


def names_of(library: Any, metric: Any) -> Optional[List[str]]:
    """What a metric computes, with its prefix; None if that is not known here.

    Args:
        library: That the config is for.
        metric: Its config.
    """
    known = None
    if not metric.get('classwise') and not metric.get('metric_items'):
        known = KNOWN.get((library, kind_of(metric)))
    if known is None:
        return None
    default, names = known
    found = names(metric)
    if found is None:
        return None
    prefix = metric.get('prefix') or default
    return [f'{prefix}/{name}' if prefix else name for name in found]


def is_error(name: str) -> bool:
    """Whether less of a metric is better."""
    return name.rpartition('/')[2] in ERRORS


def _boxes(metric: Any) -> Optional[List[str]]:
    return _by_kind(metric, dict(bbox=COCO, segm=COCO, proposal=RECALLS))


def _lvis(metric: Any) -> Optional[List[str]]:
    return _by_kind(metric, dict(bbox=LVIS, segm=LVIS))


def _by_kind(metric: Any, tables: Dict[str, Tuple[str, ...]]) -> Optional[List[str]]:
    asked = as_list(metric.get('metric') or 'bbox')
    if not set(asked) <= set(tables):
        return None

    def all_of(kind: str) -> Iterator[str]:
        for name in tables[kind]:
            yield name if kind == 'proposal' else f'{kind}_{name}'

    return [name for kind in asked for name in all_of(kind)]


def _voc(metric: Any) -> Optional[List[str]]:
    if as_list(metric.get('metric') or 'mAP') != ['mAP']:
        return None
    thresholds = as_list(metric.get('iou_thrs') or 0.5)
    return [*(f'AP{int(threshold * 100):02d}' for threshold in thresholds), 'mAP']


def _pixels(metric: Any) -> List[str]:
    given = as_list(metric.get('iou_metrics') or 'mIoU')
    return ['aAcc', *(name for each in given for name in SEGMENTATION.get(each, ()))]


def _keypoints(metric: Any) -> Optional[List[str]]:
    return None if metric.get('iou_type') else list(POSE)


def _pck(metric: Any) -> List[str]:
    return [PCK[item] for item in as_list(metric.get('norm_item') or 'bbox') if item in PCK]


def _accuracy(metric: Any) -> Optional[List[str]]:
    topk = as_list(metric.get('topk') or 1)
    return None if metric.get('thrs') else [f'top{k}' for k in topk]


# by library and class: the prefix, and what gives the names
KNOWN: Dict[Tuple[str, str], Tuple[str, Any]] = {
    ('mmdet', 'CocoMetric'): ('coco', _boxes),
    ('mmdet', 'LVISMetric'): ('lvis', _lvis),
    ('mmdet', 'VOCMetric'): ('pascal_voc', _voc),
    ('mmdet', 'CocoPanopticMetric'): ('coco_panoptic', lambda metric: list(PANOPTIC)),
    ('mmdet', 'CityScapesMetric'): ('cityscapes', lambda metric: ['mAP', 'AP@50']),
    ('mmseg', 'IoUMetric'): ('', _pixels),
    ('mmpretrain', 'Accuracy'): ('accuracy', _accuracy),
    ('mmpose', 'CocoMetric'): ('coco', _keypoints),
    ('mmpose', 'PCKAccuracy'): ('', _pck),
    ('mmpose', 'AUC'): ('', lambda metric: ['AUC']),
    ('mmpose', 'EPE'): ('', lambda metric: ['EPE']),
    ('mmpose', 'NME'): ('', lambda metric: ['NME']),
}
