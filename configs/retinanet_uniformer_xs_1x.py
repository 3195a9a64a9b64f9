# RetinaNet, UniFormer-XS, COCO, 12 epochs, batch 8 x 2.
# No result is published for this pair; backbone and optimizer are those of the authors' Mask R-CNN.
_base_ = [
    './_base_/recipes/retinanet_1x.py',
    './_base_/backbones/uniformer_xs.py',
]

model = dict(
    backbone=dict(_delete_=True, out_indices=(1, 2, 3), drop_path_rate=0.15, **_base_.backbone),
    neck=dict(in_channels=_base_.channels[1:]),
)
