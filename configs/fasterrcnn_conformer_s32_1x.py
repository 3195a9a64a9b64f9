# Faster R-CNN, Conformer-S/32, COCO, 12 epochs, batch 8 x 2.
# Published with this recipe: box AP 43.7 on val2017 (43.1 in an earlier table of the same page;
# 55.4 M parameters, 288 GFLOPs);
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
