"""Swin is no family of this package: a well-known network to compare with, from two packages."""

from importlib import import_module

from torch import nn


def _torchvision() -> nn.Module:
    """Without the classifier; the last level."""
    return import_module('torchvision').models.swin_t(weights=None).features


def _timm() -> nn.Module:
    """With all levels, for images of any size."""
    options = dict(features_only=True, pretrained=False, strict_img_size=False)
    return import_module('timm').create_model('swin_tiny_patch4_window7_224', **options)


PEERS = {'torchvision:swin-t': _torchvision, 'timm:swin-t': _timm}
BESIDE = tuple(PEERS)
