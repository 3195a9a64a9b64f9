"""Names of backbones on a command line."""

import pytest

from hybrid_backbones import backbones
from hybrid_backbones.engine.settings import SettingsError
from hybrid_backbones.names import resolve, short_names, variants


@pytest.mark.parametrize(
    'name, family, arch',
    [
        ('uniformer_s', 'UniFormer', 'small'),
        ('uniformer_small', 'UniFormer', 'small'),
        ('UniFormer:small', 'UniFormer', 'small'),
        ('UniFormer:small_plus_tl', 'UniFormer', 'small_plus_tl'),
        ('hrformer_b', 'HRFormer', 'base'),
        ('cvt_13', 'CvT', '13'),
        ('conformer_s32', 'Conformer', 'small_patch32'),
        ('transxnet_t', 'TransXNet', 't'),
    ],
)
def test_names(name, family, arch):
    assert resolve(name) == (family, arch, {})


def test_every_name_stands_for_a_backbone():
    assert len(short_names()) == 16
    for name in variants():
        found = resolve(name)
        assert found.arch in getattr(backbones, found.family).archs
        assert set(found.options) <= {'out_indices', 'drop_path_rate'}


def test_short_names_come_with_weights():
    known = variants()
    for name in short_names():
        assert known[name]['init_cfg']['type'] == 'Pretrained'


@pytest.mark.parametrize(
    'name, parts',
    [
        ('uniformer_m', ["'uniformer_m'", 'uniformer_s', 'hrformer_t', 'UniFormer:small']),
        ('resnet50', ["'resnet50'", 'cvt_21']),
        ('Swin:tiny', ["'Swin:tiny'", 'Conformer, CvT, HRFormer, TransXNet, UniFormer']),
        ('CvT:14', ['CvT has no arch', '13, 21, w24']),
        ('', ["''", 'conformer_b']),
    ],
)
def test_refusals(name, parts):
    with pytest.raises(SettingsError) as error:
        resolve(name)
    for part in parts:
        assert part in str(error.value)
    assert '\n' not in str(error.value)
