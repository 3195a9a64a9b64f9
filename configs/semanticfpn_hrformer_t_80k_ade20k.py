# Semantic FPN, HRFormer-T, ADE20K, 80k iterations, batch 8 x 4.
# No result is published: HRFormer has none with this head. The recipe is UniFormer's and
# TransXNet's.
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/hrformer_t.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.1, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
)

# one batch norm for all GPUs
sync_bn = 'torch'
