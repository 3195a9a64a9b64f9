# ImageNet-1K classification, CvT-21, 300 epochs, batch 8 x 256.
# Published with this recipe: top-1 82.5;
# https://github.com/microsoft/CvT/tree/main/
_base_ = [
    './_base_/recipes/classifier_300e_imagenet.py',
]

model = dict(
    backbone=dict(type='hybrid_backbones.CvT', arch='21', drop_path_rate=[0, 0, 0.1]),
)
train_dataloader = dict(batch_size=256)
optim_wrapper = dict(
    optimizer=dict(lr=2e-3, weight_decay=0.1),
    paramwise_cfg=dict(custom_keys=dict(cls_token=dict(decay_mult=0.0))),
)
auto_scale_lr = dict(base_batch_size=2048)
