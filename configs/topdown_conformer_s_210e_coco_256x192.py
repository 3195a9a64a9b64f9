# Top-down heatmaps, Conformer-S/16, COCO keypoints at 256 x 192 pixels, 210 epochs, batch 8 x 32.
# No result is published: Conformer has none in pose. The recipe is UniFormer's, its learning rate
# for a batch of 256.
_base_ = [
    './_base_/recipes/topdown_210e_coco_256x192.py',
    './_base_/backbones/conformer_s.py',
]

model = dict(
    backbone=dict(_delete_=True, out_indices=(3,), drop_path_rate=0.1, **_base_.backbone),
    head=dict(in_channels=_base_.channels[3]),
)
