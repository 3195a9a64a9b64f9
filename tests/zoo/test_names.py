"""Names of backbones on a command line."""

import pytest

from hybrid_backbones import backbones
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.configs import config_path
from hybrid_backbones.zoo.names import (
    is_config,
    read_config,
    resolve,
    short_names,
    variants,
)


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
    with pytest.raises(ConfigError) as error:
        resolve(name)
    for part in parts:
        assert part in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'name, expected',
    [
        ('maskrcnn_uniformer_s_1x', True),
        ('somewhere/mine.py', True),
        ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', True),
        ('uniformer_s', False),
        ('UniFormer:small', False),
    ],
)
def test_what_is_a_config(name, expected):
    assert is_config(name) == expected


def test_configs():
    name = 'maskrcnn_uniformer_xxs_1x'
    for spec in (name, config_path(name)):
        assert read_config(spec).model.backbone.arch == 'xxs'


@pytest.mark.parametrize('end', ['', '.py'])
def test_config_of_a_library(end):
    pytest.importorskip('mmdet')
    cfg = read_config(f'mmdet::retinanet/retinanet_r50_fpn_1x_coco{end}')
    assert (cfg.default_scope, cfg.model.type) == ('mmdet', 'RetinaNet')


@pytest.mark.parametrize(
    'name, parts',
    [
        ('maskrcnn_uniformer_m_1x', ['no config', 'close: maskrcnn_uniformer_']),
        ('gone.py', ['no config file gone.py']),
        ('mmgone::retinanet/a.py', ["'mmgone'", 'not installed']),
        ('::a.py', ['not installed']),
        ('mmengine::gone/a.py', ['mmengine::gone/a.py cannot be read']),
    ],
)
def test_refusals_of_configs(name, parts):
    with pytest.raises(ConfigError) as error:
        read_config(name)
    for part in parts:
        assert part in str(error.value)
    assert '\n' not in str(error.value)
