# Semantic FPN with UniFormer-S on your own masks: a picture and a mask of the same name.
#
#     data/mine/images/{train,val}/*.jpg   data/mine/masks/{train,val}/*.png
#
# A mask is as large as its picture, of one channel; its values are 0 for the first class, 1 for the
# second, and so on, and 255 where nobody labelled.
# See with  hybrid-backbones browse-dataset examples/own_masks.py  whether they are read rightly.
_base_ = [__import__('hybrid_backbones').config_path('semanticfpn_uniformer_s_80k_ade20k')]

data_root = 'data/mine/'
classes = ('background', 'road', 'roof')  # in the order of the masks' values
palette = [[0, 0, 0], [230, 159, 0], [0, 114, 178]]  # their colours in pictures

# ------------------------------------------------------------------ data
size = (512, 512)  # of crops, in pixels
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    dict(type='ResizeToMultiple', size_divisor=32),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
common = dict(
    type='BaseSegDataset',
    data_root=data_root,
    metainfo=dict(classes=classes, palette=palette),
    img_suffix='.jpg',
    seg_map_suffix='.png',
)
train = dict(img_path='images/train', seg_map_path='masks/train')
val = dict(img_path='images/val', seg_map_path='masks/val')
train_dataloader = dict(dataset=dict(data_prefix=train, pipeline=train_pipeline, **common))
val_dataloader = dict(dataset=dict(data_prefix=val, pipeline=test_pipeline, **common))
test_dataloader = val_dataloader

# ------------------------------------------------------------------ model
model = dict(
    data_preprocessor=dict(size=size),
    backbone=dict(frozen_stages=1),
    decode_head=dict(num_classes=len(classes)),
)

# ------------------------------------------------------------------ schedule
# The learning rate is for 32 pictures in a step; --auto-scale-lr adapts it to yours.
train_cfg = dict(max_iters=20000, val_interval=1000)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=500, end=20000, T_max=19500, eta_min=0.0),
]
default_hooks = dict(checkpoint=dict(interval=1000, max_keep_ckpts=2, save_best='mIoU'))
