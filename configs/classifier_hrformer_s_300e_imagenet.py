# ImageNet-1K classification, HRFormer-S, 300 epochs, batch 8 x 128.
# Published with this recipe: top-1 81.2;
# https://github.com/HRNet/HRFormer/tree/main/cls
_base_ = [
    './_base_/models/image_classifier.py',
    './_base_/datasets/imagenet_224.py',
    './_base_/schedules/hrformer_300e.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.HRFormer', arch='small', drop_path_rate=0.0),
)
