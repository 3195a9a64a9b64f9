# OCR, HRFormer-B (windows of 15), COCO-Stuff 10k (171 classes), 60k iterations, batch 8 x 2.
# Published with this recipe: mIoU 42.4, with three scales and flip 43.3;
# https://github.com/HRNet/HRFormer/tree/main/seg
_base_ = [
    './_base_/recipes/ocr_60k_coco_stuff10k.py',
    './_base_/backbones/hrformer_b.py',
]

# The ImageNet weights have windows of 7: their position tables are interpolated.
model = dict(
    backbone=dict(_delete_=True, window_size=15, drop_path_rate=0.2, **_base_.backbone),
    decode_head=[
        dict(_base_.model.decode_head[0], in_channels=_base_.channels),
        dict(_base_.model.decode_head[1], in_channels=_base_.channels),
    ],
)
