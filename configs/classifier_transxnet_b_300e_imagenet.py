# ImageNet-1K classification, TransXNet-B, 300 epochs, batch 8 x 128.
# Published with this recipe: top-1 84.6;
# https://github.com/LMMMEng/TransXNet/tree/main/
_base_ = [
    './_base_/models/image_classifier.py',
    './_base_/datasets/imagenet_224_resize235.py',
    './_base_/schedules/adamw_cosine_300e.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.TransXNet', arch='b', drop_path_rate=0.4),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
custom_hooks = [dict(type='EMAHook', momentum=1.5e-4)]
# one batch norm for all GPUs
sync_bn = 'torch'
