"""MMPretrain has Conformer too."""

from functools import partial
from importlib import import_module

from torch import nn


def _mmpretrain(arch: str, patch_size: int) -> nn.Module:
    conformer = import_module('mmpretrain.models.backbones.conformer').Conformer
    return conformer(arch=arch, patch_size=patch_size)


PEERS = {
    f'mmpretrain:conformer-{arch}-p{patch}': partial(_mmpretrain, arch, patch)
    for arch, patch in (('tiny', 16), ('small', 16), ('small', 32), ('base', 16))
}
