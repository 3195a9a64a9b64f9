# Semantic FPN, Conformer-B/16, ADE20K, 80k iterations, batch 8 x 4.
# No result is published: Conformer has none in segmentation. The recipe is UniFormer's and
# TransXNet's.
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/conformer_b.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.1, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
)
