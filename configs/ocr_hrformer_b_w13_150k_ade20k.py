# OCR, HRFormer-B (windows of 13), ADE20K, 150k iterations, batch 8 x 2.
# Published with this recipe: mIoU 48.7, with three scales and flip 50.0;
# https://github.com/HRNet/HRFormer/tree/main/seg
_base_ = [
    './_base_/recipes/ocr_150k_ade20k.py',
    './_base_/backbones/hrformer_b.py',
]

# The ImageNet weights have windows of 7: their position tables are interpolated.
model = dict(
    backbone=dict(_delete_=True, window_size=13, drop_path_rate=0.2, **_base_.backbone),
    decode_head=[
        dict(_base_.model.decode_head[0], in_channels=_base_.channels),
        dict(_base_.model.decode_head[1], in_channels=_base_.channels),
    ],
)
