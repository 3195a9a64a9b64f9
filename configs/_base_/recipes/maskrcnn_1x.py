# Mask R-CNN on COCO, 12 epochs, batch 8 x 2: all but the backbone.
_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    'mmdet::_base_/datasets/coco_instance.py',
    'mmdet::_base_/default_runtime.py',
    '../schedules/adamw_1x.py',
]
