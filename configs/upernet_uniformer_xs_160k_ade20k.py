# UperNet, UniFormer-XS, ADE20K, 160k iterations, batch 8 x 2.
# No result is published: the light UniFormers have none with this head. The recipe is UniFormer's.
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/uniformer_xs.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.15, **_base_.backbone),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
