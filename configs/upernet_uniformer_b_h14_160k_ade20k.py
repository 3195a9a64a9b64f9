# UperNet, UniFormer-B (hybrid attention, windows of 14), ADE20K, 160k iterations, batch 8 x 2.
# Published with this recipe: mIoU 48.9, multi-scale 50.0 (80 M parameters, 1085 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/semantic_segmentation
_base_ = [
    './_base_/recipes/upernet_160k_ade20k.py',
    './_base_/backbones/uniformer_b.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        stage3_attention='hybrid',
        window_size=14,
        drop_path_rate=0.4,
        **_base_.backbone,
    ),
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
