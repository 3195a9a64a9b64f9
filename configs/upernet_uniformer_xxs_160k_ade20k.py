# UperNet, UniFormer-XXS, ADE20K, 160k iterations, batch 8 x 2.
# No result is published: the light UniFormers have none with this head. The recipe is UniFormer's.
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/uniformer_xxs.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.0, **_base_.backbone),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
