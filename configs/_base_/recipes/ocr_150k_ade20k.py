# OCR on ADE20K, 150k iterations, batch 8 x 2: all but the backbone. Hard pixels alone count in the
# main loss: those below 0.9, at least 100000 on a GPU (min_kept is for one image).
_base_ = [
    '../models/ocr.py',
    '../datasets/ade20k_crop520.py',
    'mmseg::_base_/default_runtime.py',
    '../schedules/hrformer_150k.py',
]

model = dict(
    # padded as published in testing, on this dataset alone
    data_preprocessor=dict(size=(520, 520), test_cfg=dict(size_divisor=8)),
    decode_head=[
        dict(
            _base_.model.decode_head[0],
            num_classes=150,
        ),
        dict(
            _base_.model.decode_head[1],
            num_classes=150,
            sampler=dict(type='OHEMPixelSampler', thresh=0.9, min_kept=50000),
        ),
    ],
)
# multi-scale testing as published: three scales and a flip, logits added up
tta_model = dict(type='hybrid_backbones.openmmlab.multi_scale.SumOfLogits', size_divisor=8)
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(100000, 520), keep_ratio=True, interpolation='bicubic'),
    dict(type='TestTimeAug', transforms=_base_.tta_views),
]
