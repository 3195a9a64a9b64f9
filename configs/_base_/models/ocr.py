# OCR as HRFormer's authors build it: all streams are resized to stride 4 (corners aligned) and
# joined, and both heads begin with a 3x3 convolution to 512 channels.
_base_ = ['mmseg::_base_/models/ocrnet_hr18.py']

model = dict(
    pretrained=None,
    decode_head=[
        dict(
            _base_.model.decode_head[0],
            channels=512,
            kernel_size=3,
            align_corners=True,
        ),
        dict(_base_.model.decode_head[1], dropout_ratio=0.05, align_corners=True),
    ],
)
# multi-scale testing as published: three scales, and a flip
tta_views = [
    [
        dict(type='hybrid_backbones.openmmlab.multi_scale.AlignedResize', ratio=ratio)
        for ratio in (0.75, 1.0, 1.25)
    ],
    [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
    [dict(type='LoadAnnotations')],
    [dict(type='PackSegInputs')],
]
