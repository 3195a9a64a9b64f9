# RetinaNet, TransXNet-B, COCO, 12 epochs, batch 8 x 2.
# Published with this recipe: box AP 47.6 on val2017;
# https://github.com/LMMMEng/TransXNet/tree/main/object_detection
_base_ = [
    './_base_/recipes/retinanet_1x.py',
    './_base_/backbones/transxnet_b.py',
]

model = dict(
    backbone=dict(_delete_=True, out_indices=(1, 2, 3), drop_path_rate=0.3, **_base_.backbone),
    neck=dict(in_channels=_base_.channels[1:]),
)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4), paramwise_cfg=None)

# one batch norm for all GPUs
sync_bn = 'torch'
