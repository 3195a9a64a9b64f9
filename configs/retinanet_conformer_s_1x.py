# RetinaNet, Conformer-S/16, COCO, 12 epochs, batch 8 x 2.
# No result is published for this pair; the recipe is that of the authors' Mask R-CNN with
# Conformer-S/32.
_base_ = [
    './_base_/recipes/retinanet_conformer_1x.py',
    './_base_/backbones/conformer_s.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        out_indices=(1, 2, 3),
        frozen_stages=0,
        norm_eval=True,
        drop_path_rate=0.0,
        **_base_.backbone,
    ),
    neck=dict(in_channels=_base_.channels[1:]),
)
