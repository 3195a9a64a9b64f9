# ImageNet-1K classification, UniFormer-B, 300 epochs, batch 8 x 128.
# Published with this recipe: top-1 83.8;
# https://github.com/Sense-X/UniFormer/tree/main/image_classification
_base_ = [
    './_base_/recipes/classifier_300e_imagenet.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.UniFormer', arch='base', drop_path_rate=0.3),
)
# three augmentations of each image in a batch of all GPUs
train_dataloader = dict(sampler=dict(type='RepeatAugSampler'))
optim_wrapper = dict(optimizer=dict(lr=8e-4))
