"""What backbones say about the maps they return."""

import pytest
import torch

from hybrid_backbones import create_backbone
from hybrid_backbones.backbones.levels import Level
from tests.analysis.small import SMALL


@pytest.mark.parametrize('name', SMALL)
def test_the_named_modules_give_the_levels(name):
    backbone = SMALL[name]().eval()
    outputs = {}
    for info in backbone.feature_info:
        module = backbone.get_submodule(info['module'])
        module.register_forward_hook(
            lambda module, args, output, name=info['module']: outputs.update({name: output})
        )
    with torch.inference_mode():
        levels = backbone(torch.randn(1, 3, 64, 96))
    for info, level in zip(backbone.feature_info, levels):
        output = outputs[info['module']]
        if name == 'hrformer':  # all streams at once
            output = output[info['index']]
        if name == 'conformer':  # with the tokens, and padded at right and bottom
            output = output[0][:, :, : level.shape[2], : level.shape[3]]
        assert torch.equal(output, level)
        assert level.shape[1] == info['num_chs']
        assert (64 // level.shape[2], 96 // level.shape[3]) == (info['reduction'],) * 2


@pytest.mark.parametrize(
    'name, options, expected',
    [
        (
            'uniformer_small',
            dict(out_indices=(1, 3), in_channels=4),
            [
                dict(num_chs=128, reduction=8, module='out_norms.1', index=1),
                dict(num_chs=512, reduction=32, module='out_norms.3', index=3),
            ],
        ),
        (
            'cvt_13',
            dict(out_indices=(1, 2)),
            [
                dict(num_chs=192, reduction=8, module='stages.1', index=1),
                dict(num_chs=384, reduction=16, module='stages.2', index=2),
            ],
        ),
        (
            'cvt_13',
            dict(out_indices=(2, 3), out_norm=True),
            [
                dict(num_chs=384, reduction=16, module='out_norms.2', index=2),
                dict(num_chs=384, reduction=32, module='stages.3', index=3),
            ],
        ),
        (
            'hrformer_tiny',
            dict(out_indices=(0,)),
            [dict(num_chs=18, reduction=4, module='stages.3', index=0)],
        ),
    ],
)
def test_of_the_levels_that_are_returned(name, options, expected):
    backbone = create_backbone(name, **options)
    assert backbone.feature_info == expected
    assert backbone.out_levels == tuple(Level(e['num_chs'], e['reduction']) for e in expected)
