# ImageNet-1K classification, TransXNet-S, 300 epochs, batch 8 x 128.
# Published with this recipe: top-1 83.8;
# https://github.com/LMMMEng/TransXNet/tree/main/
_base_ = [
    './_base_/models/image_classifier.py',
    './_base_/datasets/imagenet_224_resize248.py',
    './_base_/schedules/adamw_cosine_300e.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.TransXNet', arch='s', drop_path_rate=0.2),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
custom_hooks = [dict(type='EMAHook', momentum=1.5e-4)]
# one batch norm for all GPUs
sync_bn = 'torch'
