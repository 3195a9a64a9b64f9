# UperNet, HRFormer-T, ADE20K, 160k iterations, batch 8 x 2.
# No result is published: HRFormer has none with this head. The recipe is UniFormer's.
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/hrformer_t.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.1, **_base_.backbone),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)

# one batch norm for all GPUs
sync_bn = 'torch'
