# Mask R-CNN on COCO, 36 epochs with multi-scale training, batch 8 x 2: all but the backbone.
_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    '../datasets/coco_instance_ms.py',
    'mmdet::_base_/default_runtime.py',
    '../schedules/adamw_3x.py',
]
