"""How many boxes a detector with random weights looks at, which its time depends on."""

from typing import Any, Dict, List, Optional

import torch

from ...openmmlab.heads import each_head


def pin_candidates(model: Any, step: Any) -> Optional[float]:
    """Have as many boxes go into a two-stage detector's last NMS as it has proposals.

    Random weights give all classes about the same score, which is below every useful threshold:
    nothing would be detected, and no mask be computed. The threshold of the model's own test
    settings is set, **in place**, to the score of the box with that rank: one class for each
    proposal. What comes out is then limited by the config's ``max_per_img``.

    Args:
        model: Of any library.
        step: Calls the model once; has ``prepare()``.

    Returns:
        The threshold; None where nothing was changed: for other models.
    """
    roi_head: Any = getattr(model, 'roi_head', None)
    settings = getattr(roi_head, 'test_cfg', None)
    if not settings or 'score_thr' not in settings or not getattr(roi_head, 'with_bbox', False):
        return None
    head = each_head(roi_head.bbox_head)[-1]
    if getattr(head, 'custom_cls_channels', False):
        return None
    seen: List[torch.Tensor] = []
    original = head.predict_by_feat

    def looking(rois: Any, cls_scores: Any, *args: Any, **kwargs: Any) -> Any:
        seen.extend(cls_scores)
        return original(rois, cls_scores, *args, **kwargs)

    head.predict_by_feat = looking
    try:
        step.prepare()
        step()
    finally:
        del head.predict_by_feat
    scores = torch.cat([each.float().softmax(-1)[:, :-1] for each in seen]) if seen else None
    if scores is None or not scores.numel():
        return None
    threshold = float(scores.flatten().topk(len(scores)).values[-1])
    settings['score_thr'] = threshold
    return threshold


def count_regions(model: Any, step: Any) -> Optional[Dict[str, Any]]:
    """Of one call, ``proposals``, ``detections`` and ``masks``, in all images together.

    Args:
        model: Of any library.
        step: Calls the model once and returns its data samples; has ``prepare()``.

    Returns:
        None for models that do not detect. A detector without proposals has 0 of them.
    """
    proposals: List[int] = []
    roi_head = getattr(model, 'roi_head', None)
    if roi_head is not None:
        original = roi_head.predict

        def looking(x: Any, results: Any, *args: Any, **kwargs: Any) -> Any:
            proposals.extend(map(len, results))
            return original(x, results, *args, **kwargs)

        roi_head.predict = looking
    try:
        step.prepare()
        samples = step()
    finally:
        if roi_head is not None:
            del roi_head.predict
    found: List[Any] = [getattr(sample, 'pred_instances', None) for sample in samples]
    if any(each is None or 'bboxes' not in each or 'keypoints' in each for each in found):
        return None
    return dict(
        proposals=sum(proposals),
        detections=sum(map(len, found)),
        masks=sum(len(each.masks) for each in found if 'masks' in each),
    )
