# Top-down heatmaps, UniFormer-B (global attention), COCO keypoints at 448 x 320 pixels, 210 epochs,
# batch 8 x 32.
# Published with this recipe: AP 77.4, AR 82.5 on val2017, person boxes of a detector with AP 56.4;
# https://github.com/Sense-X/UniFormer/tree/main/pose_estimation
_base_ = [
    './_base_/recipes/topdown_210e_coco_448x320.py',
    './_base_/backbones/uniformer_b.py',
]

model = dict(
    backbone=dict(_delete_=True, out_indices=(3,), drop_path_rate=0.55, **_base_.backbone),
    head=dict(in_channels=_base_.channels[3]),
)
