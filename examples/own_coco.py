# Mask R-CNN with UniFormer-S on your own boxes and outlines, in COCO's format:
#
#     data/mine/images/*.jpg   data/mine/train.json   data/mine/val.json
#
# See with  hybrid-backbones browse-dataset examples/own_coco.py  whether they are read rightly.
_base_ = [__import__('hybrid_backbones').config_path('maskrcnn_uniformer_s_1x')]

data_root = 'data/mine/'
classes = ('bolt', 'nut')  # named as in your files and in their order; of one class: ('bolt',)

# ------------------------------------------------------------------ data
common = dict(data_root=data_root, metainfo=dict(classes=classes), data_prefix=dict(img='images/'))
train_dataloader = dict(dataset=dict(ann_file='train.json', **common))
val_dataloader = dict(dataset=dict(ann_file='val.json', **common))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'val.json')
test_evaluator = val_evaluator

# ------------------------------------------------------------------ model
model = dict(
    backbone=dict(frozen_stages=1),
    roi_head=dict(
        bbox_head=dict(num_classes=len(classes)),
        mask_head=dict(num_classes=len(classes)),
    ),
)

# ------------------------------------------------------------------ schedule
# The learning rate is for 16 pictures in a step; --auto-scale-lr adapts it to yours.
train_cfg = dict(max_epochs=24, val_interval=2)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=200),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=24, milestones=[16, 22], gamma=0.1),
]
default_hooks = dict(
    checkpoint=dict(interval=2, max_keep_ckpts=2, save_best='coco/segm_mAP'),
    logger=dict(interval=10),
)
