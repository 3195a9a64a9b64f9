"""The tables of names, in both directions, against the names in the published files."""

from functools import partial

import pytest
import torch

from hybrid_backbones import Conformer, CvT, HRFormer, TransXNet, UniFormer
from hybrid_backbones.weights import KEY_MAPPINGS, PRETRAINED, identify
from hybrid_backbones.weights.key_mapping import join_parts, whole_of
from tests.golden import manifest, variants
from tests.parity import part_of_ours

FAMILIES = {
    'conformer': Conformer,
    'cvt': partial(CvT, out_indices=(0, 1, 2)),
    'hrformer': HRFormer,
    'transxnet': TransXNet,
    'uniformer': UniFormer,
}
UNUSED = {
    'conformer': {'trans_norm', 'trans_cls_head', 'conv_cls_head'},
    'cvt': {'norm', 'head'},
    'hrformer': {'incre_modules', 'downsamp_modules', 'final_layer', 'classifier'},
    'transxnet': {'classifier'},
    'uniformer': {'norm', 'norm_cls', 'head', 'head_cls', 'aux_head'},
}


def published_shapes(variant):
    """The ImageNet file of a variant, and what the authors' dense code adds to it."""
    keys = {key: tuple(shape) for key, shape, *_ in manifest(variant)['cls_state']}
    dense = next(iter(manifest(variant)['dense'].values()))
    keys.update({key: tuple(shape) for key, shape, *_ in dense['dense_only']})
    return keys, bool(dense['dense_only'])


@pytest.mark.parametrize('variant', [v for family in FAMILIES for v in variants(family)])
def test_names_there_and_back(variant):
    family, arch = variant.split('_', 1)
    keys, has_output_norms = published_shapes(variant)
    key_mapping, prefix = identify(keys)
    assert (key_mapping.source, prefix) == ('authors', '')
    with torch.device('meta'):
        backbone = FAMILIES[family](arch)
    ours = backbone.state_dict()
    assert key_mapping.family == type(backbone).__name__
    seen = set()
    for key, shape in keys.items():
        if key_mapping.is_unused(key):
            constant = key.endswith('.relative_position_index')
            assert constant or key.split('.')[0] in UNUSED[family]
            continue
        name = key_mapping.to_ours(key)
        assert tuple(part_of_ours(ours, name).shape) == shape
        assert key_mapping.to_published(name) == key
        seen.add(whole_of(name))
    rest = set(ours) - seen
    assert all(name.startswith('out_norms.') for name in rest)
    assert not (rest and has_output_norms)


@pytest.mark.parametrize('key_mapping', KEY_MAPPINGS, ids=lambda d: f'{d.family}-{d.source}')
def test_every_key_mapping_has_a_name_for_every_weight(key_mapping):
    family = key_mapping.family.lower()
    with torch.device('meta'):
        state = FAMILIES[family]().state_dict()
    published = key_mapping.publish(state)
    assert identify(f'model.{name}' for name in published) == (key_mapping, 'model.')
    assert not any(key_mapping.is_unused(name) for name in published)
    again = join_parts({key_mapping.to_ours(name): value for name, value in published.items()})
    assert {k: v.shape for k, v in again.items()} == {k: v.shape for k, v in state.items()}


def test_prefix_is_found():
    assert identify(['a.b.blocks1.0.pos_embed.weight'])[1] == 'a.b.'
    assert identify(['ema_blocks1.0.pos_embed.weight']) == (None, '')
    assert identify([]) == (None, '')


def test_catalogue():
    for family in FAMILIES:
        cls = getattr(FAMILIES[family], 'func', FAMILIES[family])
        assert {e.arch for e in PRETRAINED if e.family == cls.__name__} == set(cls.archs)
    assert len({entry.file for entry in PRETRAINED}) == len(PRETRAINED)
    for entry in PRETRAINED:
        params = manifest(f'{entry.family.lower()}_{entry.arch}')['cls_params'] / 1e6
        assert abs(params - entry.params) < 1, entry
        assert entry.url.startswith('https://')
        assert entry.direct == entry.url.endswith(('.pth', '.bin', '.tar')), entry
        assert entry.top1 is None or 75 < entry.top1 < 90, entry
