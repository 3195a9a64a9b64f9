# Semantic FPN, UniFormer-S (hybrid attention, windows of 14), ADE20K, 80k iterations, batch 8 x 4.
# Published with this recipe: mIoU 46.3 (25 M parameters);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/uniformer_s.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        stage3_attention='hybrid',
        window_size=14,
        drop_path_rate=0.1,
        **_base_.backbone,
    ),
    neck=dict(in_channels=_base_.channels),
)
