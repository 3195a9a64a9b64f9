# RetinaNet, CvT-21, COCO, 12 epochs, batch 8 x 2.
# No result is published: CvT has none beyond classification. The recipe is UniFormer's Mask R-CNN.
_base_ = [
    './_base_/recipes/retinanet_1x.py',
    './_base_/backbones/cvt_21.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        out_indices=(1, 2, 3),
        norm_eval=True,
        drop_path_rate=[0.0, 0.0, 0.1],
        **_base_.backbone,
    ),
    neck=dict(in_channels=_base_.channels[1:]),
)
