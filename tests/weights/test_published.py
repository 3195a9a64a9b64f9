"""Every published file fits its arch, is used whole, and fits no other arch."""

import pytest
import torch
from mmengine.registry import MODELS

from hybrid_backbones import backbones
from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import read_pretrained
from tests.golden import manifest, variants

NAMES = ('Conformer', 'CvT', 'HRFormer', 'TransXNet', 'UniFormer')

FAMILIES = {name.lower(): getattr(backbones, name) for name in NAMES}
ALL = [variant for family in FAMILIES for variant in variants(family)]


def save(variant, path):
    """The published names and shapes; zeros without memory of their own keep the file small."""
    entries = manifest(variant)['cls_state']
    torch.save({k: torch.zeros(()).expand(shape) for k, shape, *_ in entries}, path)
    return path


def find(variant, path, **options):
    family, arch = variant.split('_', 1)
    cls = FAMILIES[family]
    with torch.device('meta'):
        backbone = cls(arch, **options)
    return read_pretrained(
        str(path),
        family=cls.__name__,
        expected={k: tuple(v.shape) for k, v in backbone.state_dict().items()},
        variants=cls._shapes_of_archs,
        keys_not_in_pretrained=cls.keys_not_in_pretrained,
        optional=cls.optional,
    )


@pytest.mark.parametrize('variant', ALL)
def test_every_backbone_key_is_used(variant, tmp_path):
    found = find(variant, save(variant, tmp_path / 'file.pth'))
    keys = {key for key, *_ in manifest(variant)['cls_state']}
    (info, *_) = manifest(variant)['dense'].values()
    constants = {key for key in keys if key.endswith('.relative_position_index')}
    assert set(found.unused_keys) == {k for k in info['cls_only'] if k in keys} | constants
    assert found.other_keys == 0
    cls = FAMILIES[variant.split('_')[0]]
    assert all(name.startswith(cls.keys_not_in_pretrained or '-') for name in found.missing_keys)
    assert len(found.state) == found.expected - len(found.missing_keys)


@pytest.mark.parametrize(
    'variant', ['conformer_tiny_patch16', 'cvt_13', 'hrformer_tiny', 'transxnet_t']
)
def test_report_of_a_built_backbone(variant, tmp_path, capsys):
    family, arch = variant.split('_', 1)
    path = save(variant, tmp_path / 'file.pth')
    backbone = MODELS.build(
        dict(
            type=f'hybrid_backbones.{FAMILIES[family].__name__}',
            arch=arch,
            init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        )
    )
    backbone.init_weights()
    backbone.init_weights()  # a second call does nothing
    names = [
        n for n in backbone.state_dict() if not n.startswith(backbone.keys_not_in_pretrained or '-')
    ]
    assert all(backbone.state_dict()[name].abs().max() == 0 for name in names)


@pytest.mark.parametrize(
    'file, arch, named',
    [
        ('conformer_small_patch16', 'tiny_patch16', 'small_patch16'),
        ('conformer_small_patch32', 'small_patch16', 'small_patch32'),
        ('cvt_21', '13', '21'),
        ('hrformer_small', 'tiny', 'small'),
        ('transxnet_s', 't', 's'),
        ('uniformer_xs', 'xxs', 'xs'),
    ],
)
def test_another_arch_is_refused_by_name(file, arch, named, tmp_path):
    path = save(file, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=rf'of another arch \({named}\)'):
        find(f'{file.split("_")[0]}_{arch}', path)


@pytest.mark.parametrize(
    'file', ['conformer_tiny_patch16', 'cvt_13', 'hrformer_tiny', 'transxnet_t']
)
def test_another_family_is_refused_by_name(file, tmp_path):
    path = save(file, tmp_path / 'file.pth')
    holder = FAMILIES[file.split('_')[0]].__name__
    with pytest.raises(CheckpointError, match=f'holds {holder}, and this is a UniFormer'):
        find('uniformer_small', path)
