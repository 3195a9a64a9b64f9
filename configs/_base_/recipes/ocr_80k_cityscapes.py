# OCR on Cityscapes, 80k iterations, batch 8 x 1: all but the backbone. Hard pixels alone count in
# the main loss: those below 0.9, at least 100000 on a GPU (min_kept is for one image).
_base_ = [
    '../models/ocr.py',
    'mmseg::_base_/datasets/cityscapes.py',
    'mmseg::_base_/default_runtime.py',
    '../schedules/hrformer_80k.py',
]

# how rare a class is; of the Cityscapes training set, as published with HRNet
rarity = [0.8373, 0.918, 0.866, 1.0345, 1.0166, 0.9969, 0.9754, 1.0489, 0.8786, 1.0023]
rarity += [0.9539, 0.9843, 1.1116, 0.9037, 1.0865, 1.0955, 1.0865, 1.1529, 1.0507]

model = dict(
    data_preprocessor=dict(size=(512, 1024)),
    decode_head=[
        dict(
            _base_.model.decode_head[0],
            num_classes=19,
            loss_decode=dict(_base_.model.decode_head[0].loss_decode, class_weight=rarity),
        ),
        dict(
            _base_.model.decode_head[1],
            num_classes=19,
            loss_decode=dict(_base_.model.decode_head[1].loss_decode, class_weight=rarity),
            sampler=dict(type='OHEMPixelSampler', thresh=0.9, min_kept=100000),
        ),
    ],
)
train_dataloader = dict(batch_size=1)
# multi-scale testing as published: three scales and a flip, logits added up
tta_model = dict(type='hybrid_backbones.openmmlab.multi_scale.SumOfLogits')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='TestTimeAug', transforms=_base_.tta_views),
]
