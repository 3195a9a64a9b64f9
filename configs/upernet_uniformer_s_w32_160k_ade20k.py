# UperNet, UniFormer-S, ADE20K, 160k iterations, batch 8 x 2: trained with global attention,
# tested in windows of 32. Weights are those of upernet_uniformer_s_160k_ade20k.py.
# Published with this recipe: mIoU 46.6, multi-scale 48.4 (52 M parameters, 939 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/uniformer_s.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        eval_stage3_attention='window',
        window_size=32,
        drop_path_rate=0.25,
        **_base_.backbone,
    ),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
