_base_ = ['./_base_/recipes/classifier_300e_imagenet.py']
model=dict(backbone=dict(type='hybrid_backbones.UniFormer', arch='xxs'))
