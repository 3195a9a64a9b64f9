# Top-down heatmaps, CvT-13, COCO keypoints at 256 x 192 pixels, 210 epochs, batch 8 x 32.
# No result is published: CvT has none beyond classification. The recipe is UniFormer's, its
# learning rate for a batch of 256.
_base_ = [
    './_base_/recipes/topdown_210e_coco_256x192.py',
    './_base_/backbones/cvt_13.py',
]

# The published weights end at stride 16: two deconvolutions, not three, lead to stride 4.
model = dict(
    backbone=dict(
        _delete_=True, out_indices=(2,), drop_path_rate=[0.0, 0.0, 0.1], **_base_.backbone
    ),
    head=dict(
        in_channels=_base_.channels[2],
        deconv_out_channels=(256, 256),
        deconv_kernel_sizes=(4, 4),
    ),
)
