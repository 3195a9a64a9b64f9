# UperNet, HRFormer-S, PASCAL-Context (59 classes), 80k iterations, batch 8 x 2.
# No result is published: HRFormer has none with this head on this dataset. The recipe is
# UniFormer's UperNet on ADE20K, half as long.
_base_ = [
    './_base_/recipes/upernet_80k_pascal_context59.py',
    './_base_/backbones/hrformer_s.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.2, **_base_.backbone),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)

# one batch norm for all GPUs
sync_bn = 'torch'
