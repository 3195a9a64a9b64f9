"""Tiny datasets in the real on-disk formats, and the rule that shrinks a config onto them."""

from .classification import write_imagenet
from .coco import write_coco
from .keypoints import write_coco_keypoints
from .segmentation import write_ade20k, write_cityscapes, write_coco_stuff10k, write_pascal_context
from .shrink import shrink_config

__all__ = [
    'shrink_config',
    'write_ade20k',
    'write_cityscapes',
    'write_coco',
    'write_coco_keypoints',
    'write_coco_stuff10k',
    'write_imagenet',
    'write_pascal_context',
]
