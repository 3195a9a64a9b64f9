"""Every config's model: it builds, its parts fit, and it has the published size."""

import pytest
import torch

from tests.configs.common import NAMES, build_model, load

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')


def on_meta(cfg):
    with torch.device('meta'):
        return build_model(cfg)


@pytest.mark.parametrize('name', NAMES)
def test_parts_fit(name):
    cfg = load(name)
    channels = list(on_meta(cfg).backbone.out_channels)
    parts = cfg.model
    if 'neck' in parts:
        assert list(parts.neck.in_channels) == channels
    elif cfg.default_scope == 'mmseg':
        heads = parts.decode_head if isinstance(parts.decode_head, list) else [parts.decode_head]
        for head in heads:
            assert [channels[i] for i in head.in_index] == list(head.in_channels)
        if 'auxiliary_head' in parts:
            assert channels[parts.auxiliary_head.in_index] == parts.auxiliary_head.in_channels
    else:
        assert [parts.head.in_channels] == channels
    assert parts.backbone.init_cfg.type == 'Pretrained'
    if cfg.default_scope == 'mmdet':
        strides = [4, 8, 16, 32, 64] if 'rpn_head' in parts else [8, 16, 32, 64, 128]
        generator = (parts.get('rpn_head') or parts.bbox_head).anchor_generator
        assert list(generator.strides) == strides


# Million parameters of the whole model, as published (see the configs' first lines for where;
# those of pose models are other projects' counts of the same model).
PRETRAINED = dict(
    fasterrcnn_conformer_s32_1x=55.4,
    maskrcnn_conformer_s32_1x=58.1,
    maskrcnn_uniformer_xxs_1x=29.4,
    maskrcnn_uniformer_xs_1x=35.6,
    maskrcnn_uniformer_s_1x=41,
    maskrcnn_uniformer_b_1x=69,
    maskrcnn_uniformer_s_3x=41,
    maskrcnn_uniformer_b_3x=69,
    cascademaskrcnn_uniformer_s_3x=79,
    cascademaskrcnn_uniformer_b_3x=107,
    semanticfpn_uniformer_xxs_80k_ade20k=13.5,
    semanticfpn_uniformer_xs_80k_ade20k=19.7,
    semanticfpn_uniformer_s_80k_ade20k=25,
    semanticfpn_uniformer_b_80k_ade20k=54,
    upernet_uniformer_s_160k_ade20k=52,
    upernet_uniformer_b_160k_ade20k=80,
    topdown_uniformer_s_210e_coco_256x192=25.2,
    topdown_uniformer_b_210e_coco_256x192=53.5,
    topdown_hrformer_b_210e_coco_384x288=43.2,
)


@pytest.mark.parametrize('name', PRETRAINED)
def test_published_size(name):
    params = sum(p.numel() for p in on_meta(load(name)).parameters()) / 1e6
    digits = 0 if isinstance(PRETRAINED[name], int) else 1
    tolerance = 0.5 if digits == 0 else 0.06  # half of the last digit that is published
    assert abs(params - PRETRAINED[name]) <= tolerance
