# OCR, HRFormer-S, PASCAL-Context (59 classes), 60k iterations, batch 8 x 2.
# Published with this recipe: mIoU 53.8, with three scales and flip 54.6;
# https://github.com/HRNet/HRFormer/tree/main/seg
_base_ = [
    './_base_/recipes/ocr_60k_pascal_context59.py',
    './_base_/backbones/hrformer_s.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.2, **_base_.backbone),
    decode_head=[
        dict(_base_.model.decode_head[0], in_channels=_base_.channels),
        dict(_base_.model.decode_head[1], in_channels=_base_.channels),
    ],
)
