# RetinaNet, HRFormer-B, COCO, 12 epochs, batch 8 x 2.
# No result is published: HRFormer has none in detection. The recipe is UniFormer's Mask R-CNN.
_base_ = [
    './_base_/recipes/retinanet_1x.py',
    './_base_/backbones/hrformer_b.py',
]

model = dict(
    backbone=dict(_delete_=True, out_indices=(1, 2, 3), drop_path_rate=0.2, **_base_.backbone),
    neck=dict(in_channels=_base_.channels[1:]),
)

# one batch norm for all GPUs
sync_bn = 'torch'
