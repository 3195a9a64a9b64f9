# Mask R-CNN, UniFormer-XXS, COCO, 12 epochs, batch 8 x 2.
# Published with this recipe: box AP 42.8, mask AP 39.2 on val2017 (29.4 M parameters);
# https://github.com/Sense-X/UniFormer/tree/main/object_detection
_base_ = [
    './_base_/recipes/maskrcnn_1x.py',
    './_base_/backbones/uniformer_xxs.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.0, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
    # as MMDetection 2.11, which the authors used: boxes without area stay among the proposals
    test_cfg=dict(rpn=dict(min_bbox_size=-1)),
)
