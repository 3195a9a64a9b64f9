"""The names that papers use for what the libraries' evaluators compute."""

from typing import Dict, Mapping, Tuple

# names of evaluators: the names that papers use, and what makes a percentage of the value
METRICS: Dict[str, Tuple[str, int]] = {
    'coco/bbox_mAP': ('box AP', 100),
    'coco/segm_mAP': ('mask AP', 100),
    'coco/AP': ('AP', 100),
    'coco/AP .5': ('AP50', 100),
    'coco/AP .75': ('AP75', 100),
    'coco/AR': ('AR', 100),
    'mIoU': ('mIoU', 1),
}


def as_published(metrics: Mapping[str, float]) -> Dict[str, float]:
    """Metrics in percent, under the names of the published ones; others are left out."""
    return {
        name: metrics[key] * factor for key, (name, factor) in METRICS.items() if key in metrics
    }
