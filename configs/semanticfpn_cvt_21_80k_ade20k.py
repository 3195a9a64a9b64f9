# Semantic FPN, CvT-21, ADE20K, 80k iterations, batch 8 x 4.
# No result is published: CvT has none beyond classification. The recipe is UniFormer's and
# TransXNet's.
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/cvt_21.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=[0.0, 0.0, 0.1], **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
)
