# Top-down poses with UniFormer-S, of your own joints, in COCO's keypoint format:
#
#     data/mine/images/*.jpg   data/mine/train.json   data/mine/val.json
#
# Keypoints are in the order of the triplets (x, y, visibility) in your files. To check that they
# load correctly: hybrid-backbones browse-dataset examples/own_keypoints.py
_base_ = [__import__('hybrid_backbones').config_path('topdown_uniformer_s_210e_coco_256x192')]

data_root = 'data/mine/'
left, right, middle = [255, 128, 0], [0, 255, 0], [51, 153, 255]  # colours
# swap names the joint that a mirror image makes of this one
joints = {
    0: dict(name='nose', type='upper', color=middle, swap=''),
    1: dict(name='left_ear', type='upper', color=left, swap='right_ear'),
    2: dict(name='right_ear', type='upper', color=right, swap='left_ear'),
    3: dict(name='tail', type='lower', color=middle, swap=''),
}
links = {
    0: dict(link=('left_ear', 'nose'), color=left),
    1: dict(link=('right_ear', 'nose'), color=right),
    2: dict(link=('nose', 'tail'), color=middle),
}

# ------------------------------------------------------------------ data
common = dict(
    data_root=data_root,
    data_prefix=dict(img='images/'),
    metainfo=dict(
        dataset_name='mine',
        keypoint_info=joints,
        skeleton_info=links,
        joint_weights=[1.0] * len(joints),
        # how far off a joint may be, as a share of the object's size: larger is easier
        sigmas=[0.05] * len(joints),
    ),
)
train_dataloader = dict(batch_size=32, dataset=dict(ann_file='train.json', **common))
# bbox_file=None: crops are around the annotated boxes, not around those of a detector
val_dataloader = dict(dataset=dict(ann_file='val.json', bbox_file=None, **common))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'val.json')
test_evaluator = val_evaluator

# ------------------------------------------------------------------ model
model = dict(backbone=dict(frozen_stages=1), head=dict(out_channels=len(joints)))

# ------------------------------------------------------------------ schedule
# The learning rate is for 1024 pictures in a step; --auto-scale-lr adapts it to yours.
train_cfg = dict(max_epochs=100, val_interval=10)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=200),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=100, milestones=[80, 95], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
