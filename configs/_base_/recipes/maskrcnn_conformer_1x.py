# Mask R-CNN on COCO, 12 epochs, batch 8 x 2, as Conformer's authors train it: all but the backbone.
# Weight decay is 1e-4 for every weight.
_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    '../datasets/coco_instance_1344.py',
    'mmdet::_base_/default_runtime.py',
    '../schedules/adamw_1x.py',
]

model = dict(
    # as published; the library's own default is without
    train_cfg=dict(rcnn=dict(assigner=dict(match_low_quality=True))),
    # as MMDetection 2.8, which the authors used: boxes without area stay among the proposals
    test_cfg=dict(rpn=dict(min_bbox_size=-1)),
)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4), paramwise_cfg=None)
