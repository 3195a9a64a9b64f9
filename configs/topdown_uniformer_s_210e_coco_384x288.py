# Top-down heatmaps, UniFormer-S (global attention), COCO keypoints at 384 x 288 pixels, 210 epochs,
# batch 8 x 128.
# Published with this recipe: AP 75.9, AR 81.0 (AR as MMPose measured it with the same weights) on
# val2017, person boxes of a detector with AP 56.4;
# https://github.com/Sense-X/UniFormer/tree/main/pose_estimation
_base_ = [
    './_base_/recipes/topdown_210e_coco_384x288.py',
    './_base_/backbones/uniformer_s.py',
]

model = dict(
    backbone=dict(_delete_=True, out_indices=(3,), drop_path_rate=0.2, **_base_.backbone),
    head=dict(in_channels=_base_.channels[3]),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_dataloader = dict(batch_size=128)
auto_scale_lr = dict(base_batch_size=1024)
