# UperNet, UniFormer-B, ADE20K, 160k iterations, batch 8 x 2: trained with global attention,
# tested in windows of 32. Weights are those of upernet_uniformer_b_160k_ade20k.py.
# Published with this recipe: mIoU 49.1, multi-scale 50.6 (80 M parameters, 1066 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/uniformer_b.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        eval_stage3_attention='window',
        window_size=32,
        drop_path_rate=0.4,
        **_base_.backbone,
    ),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
