"""The sixth family is there, and gone afterwards: the other tests of a process see five."""

import sys

import pytest

import hybrid_backbones
from hybrid_backbones.backbones import families
from hybrid_backbones.backbones.families import is_builtin_type, modules_of_other_packages
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.names import one_of_each_family

from .registered import PACKAGE, registries, sixth_family

FIVE = ['Conformer', 'CvT', 'HRFormer', 'TransXNet', 'UniFormer']


def contents():
    return {name: registry.copy() for name, registry in registries().items()}


def test_five_before_and_after():
    before = contents()
    assert list(families()) == FIVE
    for _ in range(2):  # it can come again
        with sixth_family():
            assert list(families()) == [*FIVE[:3], 'TinyHybrid', *FIVE[3:]]
            assert contents() != before
            assert is_builtin_type('hybrid_backbones.TinyHybrid')
        assert contents() == before
    assert list(families()) == FIVE
    assert not is_builtin_type('hybrid_backbones.TinyHybrid')
    assert not [name for name in sys.modules if name.startswith(PACKAGE)]
    with pytest.raises(ConfigError, match='no backbone'):
        hybrid_backbones.create_backbone('tinyhybrid_nano')


def test_gone_after_a_failure():
    before = contents()
    with pytest.raises(ZeroDivisionError), sixth_family():
        1 / 0  # noqa: B018
    assert contents() == before


def test_names(tiny_hybrid):
    assert [n for n in hybrid_backbones.list_backbones() if n.startswith('tiny')] == [
        'tinyhybrid_micro',
        'tinyhybrid_nano',
    ]
    assert hybrid_backbones.list_backbones('tiny*', pretrained=True) == ['tinyhybrid_nano']
    assert 'tinyhybrid_nano' in one_of_each_family()
    assert modules_of_other_packages() == [f'{PACKAGE}.backbone']
    nano, micro = hybrid_backbones.list_archs('TinyHybrid')
    assert (nano.arch, nano.channels, nano.strides) == ('nano', (8, 16, 32, 32), (4, 8, 16, 32))
    assert [file.file for file in nano.weights] == ['tiny_hybrid_nano.pth']
    assert micro.weights == ()


def test_create(tiny_hybrid):
    backbone = hybrid_backbones.create_backbone('tinyhybrid_nano', out_indices=(1, 3))
    assert type(backbone) is tiny_hybrid.backbone.TinyHybrid
    assert [info['module'] for info in backbone.feature_info] == ['out_norms.1', 'out_norms.3']
    with pytest.raises(ConfigError, match="no backbone 'tinyhybrid_nan'; close: tinyhybrid_nano"):
        hybrid_backbones.create_backbone('tinyhybrid_nan')
    with pytest.raises(ConfigError, match=r'TinyHybrid has no option .* it takes arch'):
        hybrid_backbones.create_backbone('tinyhybrid_nano', window_size=7)
