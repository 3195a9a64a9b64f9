# OCR on PASCAL-Context (59 classes), 60k iterations, batch 8 x 2: all but the backbone. Every pixel
# counts: what the authors' script does, though its name says hard ones.
_base_ = [
    '../models/ocr.py',
    '../datasets/pascal_context59_crop520.py',
    'mmseg::_base_/default_runtime.py',
    '../schedules/hrformer_60k.py',
]

model = dict(
    data_preprocessor=dict(size=(520, 520)),
    decode_head=[
        dict(
            _base_.model.decode_head[0],
            num_classes=59,
        ),
        dict(
            _base_.model.decode_head[1],
            num_classes=59,
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
