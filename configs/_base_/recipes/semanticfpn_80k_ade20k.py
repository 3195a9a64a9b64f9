# Semantic FPN on ADE20K, 80k iterations, batch 8 x 4: all but the backbone.
_base_ = [
    'mmseg::_base_/models/fpn_r50.py',
    '../datasets/ade20k_multiple32.py',
    'mmseg::_base_/default_runtime.py',
    '../schedules/adamw_cosine_80k.py',
]

model = dict(
    pretrained=None,
    data_preprocessor=dict(size=(512, 512)),
    decode_head=dict(num_classes=150),
)
