# ImageNet-1K classification, UniFormer-XXS, 600 epochs, batch 8 x 512.
# Published with this recipe: top-1 80.6;
# https://github.com/Sense-X/UniFormer/tree/main/image_classification
_base_ = [
    './_base_/recipes/classifier_600e_imagenet.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.UniFormer', arch='xxs', drop_path_rate=0.0),
)
optim_wrapper = dict(
    optimizer=dict(lr=3.2e-3, weight_decay=0.1),
    paramwise_cfg=dict(custom_keys=dict(cls_token=dict(decay_mult=0.0))),
)
# a weaker augmentation than the other variants have: AutoAugment
train_pipeline = _base_.train_pipeline
train_pipeline[3] = dict(type='AutoAugment', policies='imagenet')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
