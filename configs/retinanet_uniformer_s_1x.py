# RetinaNet, UniFormer-S (hybrid attention, windows of 14), COCO, 12 epochs, batch 8 x 2.
# No result is published for this pair; backbone and optimizer are those of the authors' Mask R-CNN.
_base_ = [
    'mmdet::_base_/models/retinanet_r50_fpn.py',
    'mmdet::_base_/datasets/coco_detection.py',
    'mmdet::_base_/default_runtime.py',
    './_base_/schedules/adamw_1x.py',
    './_base_/backbones/uniformer_s.py',
]

# RetinaNet starts at stride 8: c2's output norm would get no gradient, so it is not built.
model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.2, out_indices=(1, 2, 3), **_base_.backbone),
    neck=dict(in_channels=_base_.channels[1:], start_level=0),
)
