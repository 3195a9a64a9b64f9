"""Multi-scale testing of segmentors as HRFormer's authors do it, for MMSegmentation's ``--tta``.

They resize the normalised image with aligned corners, and add up logits, where MMSegmentation
resizes the image as read and averages probabilities. Configs name both classes by their full path,
as only they need MMSegmentation.
"""

from typing import Any, Dict, List, Optional

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel


class AlignedResize:
    """Resize an image bilinearly with aligned corners, as floating-point numbers.

    Normalising after it is the same as before it, as both are linear.

    Args:
        ratio: Of the new sides to the old ones.
    """

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def __call__(self, results: Dict[str, Any]) -> Dict[str, Any]:
        image = torch.from_numpy(np.ascontiguousarray(results['img'])).float()
        height, width = (round(side * self.ratio) for side in image.shape[:2])
        resized = torch.nn.functional.interpolate(
            image.permute(2, 0, 1)[None], (height, width), mode='bilinear', align_corners=True
        )
        results['img'] = resized[0].permute(1, 2, 0).contiguous().numpy()
        results['img_shape'] = results['pad_shape'] = (height, width)
        return results


class SumOfLogits(SegTTAModel):
    """Test-time augmentation that adds up the logits of all views.

    Args:
        module: The segmentor, or its config.
        data_preprocessor: In place of the segmentor's own.
        size_divisor: Pad each view to multiples of it.
    """

    def __init__(
        self, module: Any, data_preprocessor: Any = None, size_divisor: Optional[int] = None
    ) -> None:
        super().__init__(module, data_preprocessor)
        if size_divisor:
            self.module.data_preprocessor.test_cfg = dict(size_divisor=size_divisor)

    def merge_preds(self, data_samples_list: List[List[Any]]) -> List[Any]:
        merged = []
        for views in data_samples_list:
            logits = sum(view.seg_logits.data for view in views)
            sample = views[0]
            sample.set_data(dict(pred_sem_seg=PixelData(data=logits.argmax(dim=0))))
            merged.append(sample)
        return merged
