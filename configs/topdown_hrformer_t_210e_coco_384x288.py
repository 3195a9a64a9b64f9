# Top-down heatmaps, HRFormer-T, COCO keypoints at 384 x 288 pixels, 210 epochs, batch 8 x 32.
# No result is published: HRFormer-T has none beyond classification. The recipe is HRFormer-S's.
_base_ = [
    './_base_/recipes/topdown_210e_coco_384x288.py',
    './_base_/backbones/hrformer_t.py',
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
