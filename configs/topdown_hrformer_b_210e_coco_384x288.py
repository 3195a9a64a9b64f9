# Top-down heatmaps, HRFormer-B, COCO keypoints at 384 x 288 pixels, 210 epochs, batch 8 x 32.
# Published with this recipe: AP 77.2, AR 82.0 on val2017, person boxes of a detector with AP 56.4;
# https://github.com/HRNet/HRFormer/tree/main/pose
# The authors train with 8 images on a GPU and do not say on how many GPUs; OpenMMLab reaches the
# same with 8 x 32.
_base_ = [
    './_base_/recipes/topdown_210e_coco_384x288.py',
    './_base_/backbones/hrformer_b.py',
]

# The authors' pose code leaves out the position bias and upsamples bilinearly.
model = dict(
    backbone=dict(
        _delete_=True,
        out_indices=(0,),
        with_rel_pos_bias=False,
        fuse_upsample='bilinear',
        drop_path_rate=0.3,
        **_base_.backbone,
    ),
    head=dict(in_channels=_base_.channels[0], deconv_out_channels=None),
)
