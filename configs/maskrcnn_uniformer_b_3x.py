# Mask R-CNN, UniFormer-B (hybrid attention, windows of 14), COCO, 36 epochs, multi-scale, batch 8 x
# 2.
# Published with this recipe: box AP 50.3, mask AP 44.8 on val2017 (69 M parameters, 399 GFLOPs);
# https://github.com/Sense-X/UniFormer/tree/main/object_detection
_base_ = [
    './_base_/recipes/maskrcnn_3x.py',
    './_base_/backbones/uniformer_b.py',
]

# The authors also recompute stage 3 in the backward pass: with_cp=(0, 0, 20, 0) brings that back.
model = dict(
    backbone=dict(
        _delete_=True,
        stage3_attention='hybrid',
        window_size=14,
        drop_path_rate=0.3,
        **_base_.backbone,
    ),
    neck=dict(in_channels=_base_.channels),
    # as MMDetection 2.11, which the authors used: boxes without area stay among the proposals
    test_cfg=dict(rpn=dict(min_bbox_size=-1)),
)
