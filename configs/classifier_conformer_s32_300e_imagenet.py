# ImageNet-1K classification, Conformer-S/32, 300 epochs, batch 8 x 128.
# No result is published by the authors; OpenMMLab reached a top-1 of 81.96 with a similar recipe.
_base_ = [
    './_base_/recipes/classifier_300e_imagenet.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.Conformer', arch='small_patch32', drop_path_rate=0.1),
)
# three augmentations of each image in a batch of all GPUs
train_dataloader = dict(sampler=dict(type='RepeatAugSampler'))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(cls_token=dict(decay_mult=0.0))))
