"""Against implementations that others wrote: `make crosscheck` (MMPose's is in `make test`).

Random weights of theirs are carried over by the tables of names; the outputs must agree.
"""

import os
from importlib import import_module

import pytest
import torch
from torch import nn

from hybrid_backbones import Conformer, CvT
from tests.parity import assert_level

CVT = {
    '13': dict(depth=[1, 2, 10]),
    '21': dict(depth=[1, 4, 16]),
}


def need(name):
    """In `make crosscheck` the module must be there; elsewhere its test is skipped."""
    return import_module(name) if 'CROSSCHECK' in os.environ else pytest.importorskip(name)


def randomise(module):
    """Weights and statistics that leave no layer an identity."""
    generator = torch.Generator().manual_seed(1)
    for name, value in module.state_dict().items():
        if value.dtype == torch.float32:
            noise = torch.randn(value.shape, generator=generator)
            if name.endswith('running_var'):
                value.copy_(1 + 0.2 * noise.abs())
            elif value.dim() > 1 and 'token' not in name:
                value.copy_(noise / value[0].numel() ** 0.5)
            else:
                ones = name.endswith('weight')
                value.copy_(0.1 * noise + (1 if ones else 0))
    module.eval()


def carry_over(theirs, ours, path):
    """As a user would: a file, recognised by its names."""
    torch.save(theirs.state_dict(), path)
    ours.init_cfg = dict(type='Pretrained', checkpoint=str(path))
    ours.init_weights()
    ours.eval()


def published_cvt(transformers, arch):
    """Theirs has the exact GELU, where the authors' code has QuickGELU: that is put right."""
    theirs = transformers.CvtForImageClassification(transformers.CvtConfig(**CVT[arch]))
    for module in theirs.modules():
        if hasattr(module, 'activation'):
            assert isinstance(module.activation, nn.GELU)
            module.activation = transformers.activations.QuickGELUActivation()
    randomise(theirs)
    return theirs


@pytest.mark.parametrize('size', [(224, 224), (200, 304)], ids=str)
@pytest.mark.parametrize('arch', CVT)
def test_cvt_of_transformers(arch, size, tmp_path):
    transformers = need('transformers')
    theirs = published_cvt(transformers, arch)
    ours = CvT(arch, out_indices=(0, 1, 2))
    carry_over(theirs, ours, tmp_path / 'pytorch_model.bin')
    image = torch.randn(2, 3, *size)
    with torch.inference_mode():
        expected = theirs(image, output_hidden_states=True).hidden_states
        for level, other in zip(ours(image), expected):
            assert_level(level, other)


@pytest.mark.parametrize('size', [(224, 224), (160, 288)], ids=str)
@pytest.mark.parametrize(
    'arch, theirs',
    [
        ('tiny_patch16', dict(arch='tiny', patch_size=16)),
        ('small_patch32', dict(arch='small', patch_size=32)),
    ],
)
def test_conformer_of_mmpretrain(arch, theirs, size, tmp_path):
    """It returns pooled maps and class tokens: those of blocks 4, 8, 11 and 12 are compared."""
    mmpretrain = need('mmpretrain.models.backbones.conformer')
    theirs = mmpretrain.Conformer(**theirs, out_indices=[12])
    randomise(theirs)
    ours = Conformer(arch)
    carry_over(theirs, ours, tmp_path / 'conformer.pth')
    seen = []
    for block in (4, 8, 11, 12):
        module = getattr(theirs, f'conv_trans_{block}')
        module.register_forward_hook(lambda m, args, out: seen.append(out[0]))
    image = torch.randn(2, 3, *size)
    with torch.inference_mode():
        theirs(image)
        for level, other in zip(ours(image), seen):
            assert_level(level, other)


def test_the_check_can_fail(tmp_path):
    """One weight changed after the hand-over is seen."""
    transformers = need('transformers')
    theirs = published_cvt(transformers, '13')
    ours = CvT('13', out_indices=(0,))
    carry_over(theirs, ours, tmp_path / 'pytorch_model.bin')
    nn.init.zeros_(ours.stages[0].blocks[0].attn.proj.weight)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode(), pytest.raises(AssertionError):
        assert_level(ours(image)[0], theirs(image, output_hidden_states=True).hidden_states[0])
