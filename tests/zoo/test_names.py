"""One name for each backbone, and the configs' short forms as aliases."""

import pytest
from mmengine.config import Config

from hybrid_backbones import backbones, list_backbones
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.zoo import names as zoo_names
from hybrid_backbones.zoo.archs import FAMILIES
from hybrid_backbones.zoo.names import resolve, short_config, short_names
from tests.tools.commands import PROJECT

ALIASES = {
    'conformer_ti': 'conformer_tiny_patch16',
    'conformer_s': 'conformer_small_patch16',
    'conformer_s32': 'conformer_small_patch32',
    'conformer_b': 'conformer_base_patch16',
    'cvt_13': 'cvt_13',
    'cvt_21': 'cvt_21',
    'hrformer_t': 'hrformer_tiny',
    'hrformer_s': 'hrformer_small',
    'hrformer_b': 'hrformer_base',
    'transxnet_t': 'transxnet_t',
    'transxnet_s': 'transxnet_s',
    'transxnet_b': 'transxnet_b',
    'uniformer_xxs': 'uniformer_xxs',
    'uniformer_xs': 'uniformer_xs',
    'uniformer_s': 'uniformer_small',
    'uniformer_b': 'uniformer_base',
}


@pytest.mark.parametrize(
    'name, family, arch',
    [
        ('uniformer_small', 'UniFormer', 'small'),
        ('uniformer_small_plus_tl', 'UniFormer', 'small_plus_tl'),
        ('hrformer_base', 'HRFormer', 'base'),
        ('cvt_13', 'CvT', '13'),
        ('conformer_small_patch32', 'Conformer', 'small_patch32'),
        ('transxnet_t', 'TransXNet', 't'),
    ],
)
def test_names(name, family, arch):
    assert resolve(name) == (family, arch, {})
    assert resolve(name).name == name


def test_every_arch_has_one_name():
    archs = [(family, arch) for family in FAMILIES for arch in getattr(backbones, family).archs]
    assert [resolve(name)[:2] for name in list_backbones()] == sorted(
        archs, key=lambda pair: f'{pair[0].lower()}_{pair[1]}'
    )


def test_aliases_are_those_of_the_configs():
    assert short_names() == sorted(ALIASES)


@pytest.mark.parametrize('alias', ALIASES)
def test_an_alias_is_the_backbone_of_the_configs(alias):
    assert resolve(alias) == resolve(ALIASES[alias])
    cfg = Config.fromfile(PROJECT / 'configs' / '_base_' / 'backbones' / f'{alias}.py').backbone
    found = resolve(alias)
    assert cfg == dict(
        type=f'hybrid_backbones.{found.family}',
        arch=found.arch,
        init_cfg=cfg.init_cfg,
        **found.options,
    )
    assert short_config(alias)['init_cfg']['type'] == 'Pretrained'


def test_an_alias_comes_with_the_options_of_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo_names, '_folder', lambda: tmp_path)
    (tmp_path / 'hrformer_w15.py').write_text(
        "backbone = dict(type='hybrid_backbones.HRFormer', arch='tiny', window_size=15, "
        "init_cfg=dict(type='Pretrained', checkpoint='a.pth'))\n"
    )
    assert resolve('hrformer_w15') == ('HRFormer', 'tiny', dict(window_size=15))


def test_patterns():
    assert list_backbones('cvt_*') == ['cvt_13', 'cvt_21', 'cvt_w24']
    assert list_backbones('hrformer_?ase') == ['hrformer_base']
    assert list_backbones('*_[ts]') == ['transxnet_s', 'transxnet_t']
    assert list_backbones('uniformer') == []


def test_with_and_without_a_file_to_fetch():
    """Tiny HRFormer and most UniFormers are on pages for browsers only."""
    assert list_backbones('hrformer_*', pretrained=True) == ['hrformer_base', 'hrformer_small']
    assert list_backbones('hrformer_*', pretrained=False) == ['hrformer_tiny']
    both = list_backbones(pretrained=True) + list_backbones(pretrained=False)
    assert sorted(both) == list_backbones() and len(both) == 27
    assert len(list_backbones(pretrained=True)) == 14


@pytest.mark.parametrize('value', ['yes', 2, 'True'])
def test_pretrained_is_a_filter(value):
    with pytest.raises(ConfigError, match=f'must be True, False or None, got {value!r}'):
        list_backbones(pretrained=value)


@pytest.mark.parametrize(
    'name, parts',
    [
        ('uniformer_m', ["'uniformer_m'; close: ", 'uniformer_xs', 'hrformer_tiny']),
        ('resnet50', ["'resnet50'", 'cvt_21']),
        ('UniFormer:small', ["'UniFormer:small'; close: ", 'uniformer_small']),
        ('', ["''", 'there are conformer_tiny_patch16']),
    ],
)
def test_refusals(name, parts):
    with pytest.raises(ConfigError) as error:
        resolve(name)
    for part in parts:
        assert part in str(error.value)
    assert '\n' not in str(error.value)
