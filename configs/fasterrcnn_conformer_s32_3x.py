# Faster R-CNN, Conformer-S/32, COCO, 36 epochs, batch 8 x 2.
# Published: box AP 46.1 on val2017 (55.4 M parameters, 288 GFLOPs), without its recipe: this is the
# one of 12 epochs with steps after 27 and 33;
# https://github.com/pengzhiliang/Conformer/tree/main/mmdetection
_base_ = [
    './_base_/recipes/fasterrcnn_conformer_1x.py',
    './_base_/backbones/conformer_s32.py',
]

model = dict(
    backbone=dict(
        _delete_=True, frozen_stages=0, norm_eval=True, drop_path_rate=0.0, **_base_.backbone
    ),
    neck=dict(in_channels=_base_.channels),
)
train_cfg = dict(max_epochs=36)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=36, milestones=[27, 33]),
]
