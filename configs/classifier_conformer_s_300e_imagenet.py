# ImageNet-1K classification, Conformer-S, 300 epochs, batch 8 x 128.
# Published with this recipe: top-1 83.4;
# https://github.com/pengzhiliang/Conformer/tree/main/
_base_ = [
    './_base_/recipes/classifier_300e_imagenet.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.Conformer', arch='small_patch16', drop_path_rate=0.1),
)
# three augmentations of each image in a batch of all GPUs
train_dataloader = dict(sampler=dict(type='RepeatAugSampler'))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(cls_token=dict(decay_mult=0.0))))
