# ImageNet-1K at 224 pixels, augmented as DeiT: RandAugment, random erasing; tested at the centre of
# images whose shorter side is 256.
_base_ = ['mmpretrain::_base_/datasets/imagenet_bs64_swin_224.py']

train_dataloader = dict(batch_size=128)
