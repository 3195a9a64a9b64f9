# Semantic FPN, UniFormer-S, ADE20K, 80k iterations, batch 8 x 4: trained with global attention,
# tested in windows of 32. Weights are those of semanticfpn_uniformer_s_80k_ade20k.py.
# Published with this recipe: mIoU 45.6 (25 M parameters, 183 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/semanticfpn_80k_ade20k.py',
    './_base_/backbones/uniformer_s.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        eval_stage3_attention='window',
        window_size=32,
        drop_path_rate=0.1,
        **_base_.backbone,
    ),
    neck=dict(in_channels=_base_.channels),
)
