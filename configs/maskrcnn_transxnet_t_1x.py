# Mask R-CNN, TransXNet-T, COCO, 12 epochs, batch 8 x 2.
# Published with this recipe: box AP 44.5, mask AP 40.7 on val2017;
# https://github.com/LMMMEng/TransXNet/tree/main/object_detection
_base_ = [
    './_base_/recipes/maskrcnn_1x.py',
    './_base_/backbones/transxnet_t.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.1, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
)

# one batch norm for all GPUs
sync_bn = 'torch'
