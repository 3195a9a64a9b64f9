"""The tables of names, in both directions, against the names in the published files."""

import pytest
import torch

from hybrid_backbones import UniFormer
from hybrid_backbones.weights import DIALECTS, PUBLISHED, recognise

from ..golden import manifest, variants


@pytest.mark.parametrize('variant', variants('uniformer'))
def test_uniformer_names_there_and_back(variant):
    keys = {key: tuple(shape) for key, shape, *_ in manifest(variant)['cls_state']}
    mode = next(iter(manifest(variant)['dense']))
    keys.update({k: tuple(s) for k, s, *_ in manifest(variant)['dense'][mode]['dense_only']})
    dialect, prefix = recognise(keys)
    assert (dialect, prefix) == (DIALECTS[0], '')
    with torch.device('meta'):
        ours = UniFormer(variant[len('uniformer_') :]).state_dict()
    seen = set()
    for key, shape in keys.items():
        if dialect.is_classifier(key):
            assert key.split('.')[0] in ('norm', 'head', 'aux_head')
            continue
        name = dialect.to_ours(key)
        assert tuple(ours[name].shape) == shape
        assert dialect.to_published(name) == key
        seen.add(name)
    rest = set(ours) - seen
    assert all(name.startswith('out_norms.') for name in rest)
    assert not rest or not manifest(variant)['dense'][mode]['dense_only']


def test_prefix_is_found():
    assert recognise(['a.b.blocks1.0.pos_embed.weight'])[1] == 'a.b.'
    assert recognise(['ema_blocks1.0.pos_embed.weight']) == (None, '')
    assert recognise([]) == (None, '')


def test_catalogue():
    assert {entry.arch for entry in PUBLISHED if entry.family == 'UniFormer'} == set(
        UniFormer.archs
    )
    assert len({entry.file for entry in PUBLISHED}) == len(PUBLISHED)
    for entry in PUBLISHED:
        params = manifest(f'{entry.family.lower()}_{entry.arch}')['cls_params'] / 1e6
        assert abs(params - entry.params) < 1, entry
        assert entry.direct == entry.url.endswith(entry.file), entry
        assert entry.url.startswith('https://')
