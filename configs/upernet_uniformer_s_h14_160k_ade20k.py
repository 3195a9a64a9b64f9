# UperNet, UniFormer-S (hybrid attention, windows of 14), ADE20K, 160k iterations, batch 8 x 2.
# Published with this recipe: mIoU 46.9, multi-scale 48.0 (52 M parameters, 947 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/uniformer_s.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        stage3_attention='hybrid',
        window_size=14,
        drop_path_rate=0.25,
        **_base_.backbone,
    ),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
