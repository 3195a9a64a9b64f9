"""Whether the evaluator of a config computes what ``save_best`` asks for.

mmengine looks for it when the first evaluation is over, which may be hours later.
"""

from difflib import get_close_matches
from itertools import product
from typing import Any, Dict, Iterator, List, Optional

from mmengine.config import Config

from ..config.data import EVALUATORS, as_list
from ..config.traverse import kind_of
from ..errors import ConfigError

COCO = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
RECALLS = tuple(f'AR{at}' for at in ('@100', '@300', '@1000', '_s@1000', '_m@1000', '_l@1000'))
LVIS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'APr', 'APc', 'APf')
POSE = tuple(
    f'{kind}{at}' for kind, at in product(('AP', 'AR'), ('', ' .5', ' .75', ' (M)', ' (L)'))
)
SEGMENTATION = dict(
    mIoU=('mIoU', 'mAcc'), mDice=('mDice', 'mAcc'), mFscore=('mFscore', 'mPrecision', 'mRecall')
)


def check_best(cfg: Config) -> None:
    """See that every metric of ``default_hooks.checkpoint.save_best`` will be there.

    Args:
        cfg: Any config; of metrics that are not known here nothing is claimed.

    Raises:
        ConfigError: One will not; names those that will.
    """
    wanted = ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('save_best')
    metrics = as_list(cfg.get(EVALUATORS[0]))
    if not wanted or not metrics:
        return
    computed: List[str] = []
    for metric in metrics:
        names = _names(cfg.get('default_scope'), metric)
        if names is None:
            return
        computed += names
    for name in as_list(wanted):
        if name != 'auto' and name not in computed:
            close = get_close_matches(name, computed, n=1, cutoff=0.4)
            hint = f'; {close[0]} is close' if close else ''
            raise ConfigError(
                f'default_hooks.checkpoint.save_best is {name!r}, and the evaluator computes '
                f'{", ".join(computed)}{hint}'
            )


def _names(library: Any, metric: Any) -> Optional[List[str]]:
    """What a metric computes, with its prefix; None if that is not known here."""
    known = _known(library, kind_of(metric), metric)
    if known is None:
        return None
    default, names = known
    prefix = metric.get('prefix') or default
    return [f'{prefix}/{name}' if prefix else name for name in names]


def _known(library: Any, kind: str, metric: Any) -> Any:
    if metric.get('classwise') or metric.get('metric_items'):
        return None
    asked = as_list(metric.get('metric') or 'bbox')
    if 'proposal_fast' in asked:
        return None
    if library == 'mmdet' and kind == 'CocoMetric':
        return 'coco', list(_by_kind(asked, {'bbox': COCO, 'segm': COCO, 'proposal': RECALLS}))
    if library == 'mmdet' and kind == 'LVISMetric':
        return 'lvis', list(_by_kind(asked, {'bbox': LVIS, 'segm': LVIS}))
    if library == 'mmpose' and kind == 'CocoMetric' and not metric.get('iou_type'):
        return 'coco', list(POSE)
    if library == 'mmpretrain' and kind == 'Accuracy' and not metric.get('thrs'):
        return 'accuracy', [f'top{k}' for k in as_list(metric.get('topk') or 1)]
    if library == 'mmseg' and kind == 'IoUMetric':
        given = as_list(metric.get('iou_metrics') or 'mIoU')
        return '', ['aAcc', *(name for each in given for name in SEGMENTATION.get(each, ()))]
    return None


def _by_kind(asked: List[str], tables: Dict[str, Any]) -> Iterator[str]:
    for kind in asked:
        for name in tables.get(kind, ()):
            yield name if kind == 'proposal' else f'{kind}_{name}'
