# Cascade Mask R-CNN on COCO, 36 epochs with multi-scale training, batch 8 x 2: all but the
# backbone. Box heads of four convolutions with SyncBN and a linear layer, trained by GIoU, as
# UniFormer's.
_base_ = [
    'mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py',
    '../datasets/coco_instance_ms.py',
    'mmdet::_base_/default_runtime.py',
    '../schedules/adamw_3x.py',
]

box_head = dict(
    type='ConvFCBBoxHead',
    num_shared_convs=4,
    num_shared_fcs=1,
    in_channels=256,
    conv_out_channels=256,
    fc_out_channels=1024,
    roi_feat_size=7,
    num_classes=80,
    reg_class_agnostic=False,
    reg_decoded_bbox=True,
    norm_cfg=dict(type='SyncBN', requires_grad=True),
    loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    loss_bbox=dict(type='GIoULoss', loss_weight=10.0),
)
# each stage predicts finer corrections than the one before
coder = dict(type='DeltaXYWHBBoxCoder', target_means=[0.0, 0.0, 0.0, 0.0])
model = dict(
    roi_head=dict(
        bbox_head=[
            dict(bbox_coder=dict(target_stds=[0.1, 0.1, 0.2, 0.2], **coder), **box_head),
            dict(bbox_coder=dict(target_stds=[0.05, 0.05, 0.1, 0.1], **coder), **box_head),
            dict(bbox_coder=dict(target_stds=[0.033, 0.033, 0.067, 0.067], **coder), **box_head),
        ],
    ),
)
