# Mask R-CNN, UniFormer-XS, COCO, 12 epochs, batch 8 x 2.
# Published with this recipe: box AP 44.6, mask AP 40.9 on val2017 (35.6 M parameters);
# https://github.com/Sense-X/UniFormer/tree/main/object_detection
_base_ = [
    './_base_/recipes/maskrcnn_1x.py',
    './_base_/backbones/uniformer_xs.py',
]

model = dict(
    backbone=dict(_delete_=True, drop_path_rate=0.15, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
    # as MMDetection 2.11, which the authors used: boxes without area stay among the proposals
    test_cfg=dict(rpn=dict(min_bbox_size=-1)),
)
