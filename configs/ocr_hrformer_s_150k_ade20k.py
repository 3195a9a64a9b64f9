# OCR, HRFormer-S, ADE20K, 150k iterations, batch 8 x 2.
# Published with this recipe: mIoU 44.0, with three scales and flip 45.1;
# https://github.com/HRNet/HRFormer/tree/main/seg
_base_ = [
    './_base_/recipes/ocr_150k_ade20k.py',
    './_base_/backbones/hrformer_s.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.2, **_base_.backbone),
    decode_head=[
        dict(_base_.model.decode_head[0], in_channels=_base_.channels),
        dict(_base_.model.decode_head[1], in_channels=_base_.channels),
    ],
)
