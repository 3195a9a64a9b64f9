# ImageNet-1K classification, HRFormer-B, 300 epochs, batch 8 x 128.
# Published with this recipe: top-1 82.8;
# https://github.com/HRNet/HRFormer/tree/main/cls
_base_ = [
    './_base_/models/image_classifier.py',
    './_base_/datasets/imagenet_224.py',
    './_base_/schedules/hrformer_300e.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.HRFormer', arch='base', drop_path_rate=0.2),
)
