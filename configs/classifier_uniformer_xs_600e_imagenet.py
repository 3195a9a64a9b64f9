# ImageNet-1K classification, UniFormer-XS, 600 epochs, batch 8 x 512.
# Published with this recipe: top-1 82.0;
# https://github.com/Sense-X/UniFormer/tree/main/image_classification
_base_ = [
    './_base_/recipes/classifier_600e_imagenet.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.UniFormer', arch='xs', drop_path_rate=0.1),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(cls_token=dict(decay_mult=0.0))))
