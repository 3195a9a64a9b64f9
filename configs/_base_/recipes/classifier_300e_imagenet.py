# An ImageNet classifier at 224 pixels, 300 epochs, batch 8 x 128: all but the backbone.
_base_ = [
    '../datasets/imagenet_224.py',
    '../schedules/adamw_cosine_300e.py',
]

model = dict(
    type='hybrid_backbones.ImageClassifier',
    data_preprocessor=dict(_base_.data_preprocessor, type='ClsDataPreprocessor'),
    head=dict(
        num_classes=1000,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'),
    ),
    train_cfg=dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]),
)
