# Semantic FPN, UniFormer-B, ADE20K, 80k iterations, batch 8 x 4: trained with global attention,
# tested in windows of 32. Weights are those of semanticfpn_uniformer_b_80k_ade20k.py.
# Published with this recipe: mIoU 47.0 (54 M parameters, 310 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/uniformer_b.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        eval_stage3_attention='window',
        window_size=32,
        drop_path_rate=0.2,
        **_base_.backbone,
    ),
    neck=dict(in_channels=_base_.channels),
)
