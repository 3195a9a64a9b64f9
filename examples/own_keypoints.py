# Top-down pose estimation with UniFormer-S on your own keypoints, in COCO keypoint format:
#
#     data/mine/images/*.jpg   data/mine/train.json   data/mine/val.json
#
# Keypoints are in the order of the triplets (x, y, visibility) in your files. To check that they
# load correctly: hybrid-backbones browse-dataset examples/own_keypoints.py
_base_ = [__import__('hybrid_backbones').config_path('topdown_uniformer_s_210e_coco_256x192')]

data_root = 'data/mine/'
left, right, middle = [255, 128, 0], [0, 255, 0], [51, 153, 255]  # colours
# swap is the keypoint that this one becomes in a flipped image
keypoints = {
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
        keypoint_info=keypoints,
        skeleton_info=links,
        joint_weights=[1.0] * len(keypoints),
        # OKS tolerance of each keypoint, relative to the object's size: larger is easier
        sigmas=[0.05] * len(keypoints),
    ),
)
train_dataloader = dict(batch_size=32, dataset=dict(ann_file='train.json', **common))
# bbox_file=None: crop the annotated boxes instead of a detector's
val_dataloader = dict(dataset=dict(ann_file='val.json', bbox_file=None, **common))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'val.json')
test_evaluator = val_evaluator

# ------------------------------------------------------------------ model
model = dict(backbone=dict(frozen_stages=1), head=dict(out_channels=len(keypoints)))

# ------------------------------------------------------------------ schedule
# The learning rate is for a batch of 1024 images; --auto-scale-lr adapts it to yours.
train_cfg = dict(max_epochs=100, val_interval=10)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=200),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=100, milestones=[80, 95], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
