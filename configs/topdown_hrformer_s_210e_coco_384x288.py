# Top-down heatmaps, HRFormer-S, COCO keypoints at 384 x 288 pixels, 210 epochs, batch 8 x 32.
# Published with this recipe: AP 75.6, AR 80.7 on val2017, person boxes of a detector with AP 56.4;
# https://github.com/HRNet/HRFormer/tree/main/pose
_base_ = [
    './_base_/recipes/topdown_210e_coco_384x288.py',
    './_base_/backbones/hrformer_s.py',
]

# The authors' pose code leaves out the position bias and upsamples bilinearly.
model = dict(
    backbone=dict(
        _delete_=True,
        out_indices=(0,),
        with_rel_pos_bias=False,
        fuse_upsample='bilinear',
        drop_path_rate=0.1,
        **_base_.backbone,
    ),
    head=dict(in_channels=_base_.channels[0], deconv_out_channels=None),
)
