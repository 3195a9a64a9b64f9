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
