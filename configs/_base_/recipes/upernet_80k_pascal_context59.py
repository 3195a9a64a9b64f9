# UperNet on PASCAL-Context (59 classes), 80k iterations, batch 8 x 2: all but the backbone.
_base_ = [
    'mmseg::_base_/models/upernet_swin.py',
    'mmseg::_base_/datasets/pascal_context_59.py',
    'mmseg::_base_/default_runtime.py',
    '../schedules/adamw_poly_80k.py',
]

model = dict(
    data_preprocessor=dict(size=(480, 480)),
    decode_head=dict(num_classes=59),
    auxiliary_head=dict(num_classes=59),
)
train_dataloader = dict(batch_size=2)
