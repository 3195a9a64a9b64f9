"""Reading configs by name: this package's, those in files, and those of the libraries."""

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo.configs import config_path, is_config, read_config


@pytest.mark.parametrize(
    'name, expected',
    [
        ('maskrcnn_uniformer_s_1x', True),
        ('somewhere/mine.py', True),
        ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', True),
        ('mmdet::retinanet/retinanet_r50_fpn_1x_coco', True),
        ('uniformer_s', False),
        ('uniformer_small', False),
    ],
)
def test_what_is_a_config(name, expected):
    assert is_config(name) == expected


def test_configs():
    pytest.importorskip('mmdet')
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
