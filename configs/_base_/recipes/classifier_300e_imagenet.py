# An ImageNet classifier at 224 pixels, 300 epochs, batch 8 x 128: all but the backbone.
_base_ = [
    '../models/image_classifier.py',
    '../datasets/imagenet_224.py',
    '../schedules/adamw_cosine_300e.py',
]
