# An ImageNet classifier at 224 pixels, 600 epochs, batch 8 x 512: all but the backbone.
_base_ = [
    '../models/image_classifier.py',
    '../datasets/imagenet_224.py',
    '../schedules/adamw_cosine_600e.py',
]

train_dataloader = dict(batch_size=512)
