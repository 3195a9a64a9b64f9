"""The options that a backbone gets in another's place."""

import pytest
import torch

from hybrid_backbones.backbones import families
from hybrid_backbones.dropin import find_variant
from hybrid_backbones.zoo.configs import get_config
from hybrid_backbones.zoo.names import list_backbones

pytest.importorskip('mmpose')


@pytest.mark.parametrize(
    'name, scope, sibling',
    [
        ('uniformer_small_plus', 'mmdet', 'maskrcnn_uniformer_s_1x'),
        ('uniformer_base_ls', 'mmdet', 'maskrcnn_uniformer_b_1x'),
        ('uniformer_large_ls_tl', 'mmseg', 'upernet_uniformer_b_160k_ade20k'),
        ('cvt_w24', 'mmdet', 'maskrcnn_cvt_21_1x'),
        ('uniformer_small_tl', 'mmpose', 'topdown_uniformer_s_210e_coco_256x192'),
    ],
)
def test_of_the_nearest_in_size(name, scope, sibling):
    """Where no config has it for the task; the note says whose they are."""
    variant = find_variant(name, scope)
    backbone = get_config(sibling).model.backbone
    for key in ('drop_path_rate', 'stage3_attention', 'window_size', 'frozen_stages', 'norm_eval'):
        assert variant.arguments.get(key) == backbone.get(key), key
    short = sibling.split('_', 1)[1].rsplit('_', sibling.count('_') - 2)[0]
    assert f'no built-in config for this task has {name}: its options are those of' in variant.note
    assert short in variant.note


def test_of_its_own():
    assert find_variant('uniformer_small', 'mmdet').note == ''


@pytest.mark.extended
@pytest.mark.parametrize('scope', ['mmdet', 'mmseg', 'mmpose'])
def test_every_backbone_takes_what_it_gets(scope):
    for name in list_backbones():
        variant = find_variant(name, scope)
        with torch.device('meta'):
            families()[variant.family](variant.arch, **variant.arguments)
