# RetinaNet on COCO, 12 epochs, batch 8 x 2: all but the backbone.
_base_ = [
    'mmdet::_base_/models/retinanet_r50_fpn.py',
    'mmdet::_base_/datasets/coco_detection.py',
    'mmdet::_base_/default_runtime.py',
    '../schedules/adamw_1x.py',
]

# It starts at stride 8: c2's output norm would get no gradient, so c2 is not built.
model = dict(neck=dict(start_level=0))
