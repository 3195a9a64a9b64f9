"""What the base class refuses: in one family, the messages are the same for all."""

import pytest
import torch

from hybrid_backbones import UniFormer


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(arch='huge'), 'has no arch .huge.; it has '),
        (dict(arch=7), 'arch must be a name, a dict or a dataclass'),
        (dict(arch=dict(size=3)), 'has the fields .*unknown: size; missing: '),
        (dict(out_indices=(0, 4)), r'out_indices must be rising levels out of \(0, 1, 2, 3\)'),
        (dict(out_indices=(2, 1)), 'out_indices must be rising'),
        (dict(out_indices=()), 'out_indices must be rising'),
        (dict(frozen_stages=5), 'frozen_stages must be an int from -1 to 4'),
        (dict(with_cp=(1, 2)), 'with_cp must be a bool, or how many'),
        (dict(with_cp=(-1, 0, 0, 0)), 'with_cp must be a bool, or how many'),
        (dict(drop_path_rate=1.0), r'drop_path_rate must be in \[0, 1\)'),
    ],
    ids=str,
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        UniFormer(**{'arch': 'xxs', **options})


@pytest.mark.parametrize(
    'shape', [(3, 64, 64), (1, 4, 64, 64), (1, 3, 31, 64), (1, 3, 64, 31)], ids=str
)
def test_wrong_input(shape):
    with pytest.raises(ValueError, match=r'takes images \(N, 3, H, W\).* got \('):
        UniFormer()(torch.rand(shape))
