# Semantic FPN, TransXNet-S, ADE20K, 80k iterations, batch 8 x 4.
# Published with this recipe: mIoU 48.5;
# https://github.com/LMMMEng/TransXNet/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/transxnet_s.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.2, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
)

# one batch norm for all GPUs
sync_bn = 'torch'
