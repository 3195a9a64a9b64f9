# Semantic FPN, UniFormer-XXS, ADE20K, 80k iterations, batch 8 x 4.
# Published with this recipe: mIoU 42.3 (13.5 M parameters);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/uniformer_xxs.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.0, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
)
