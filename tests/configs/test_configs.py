"""Every config's model, built once on the meta device: its parts, its optimizer and its cost."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper

from hybrid_backbones.complexity.backbone import count_parameters
from hybrid_backbones.complexity.model import forward_flops, model_cost, usual_size
from hybrid_backbones.zoo.configs import list_models
from tests.configs.common import NAMES, build_model, each_recipe, load
from tests.parity import count_as_published

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

METAFILES = {model['Name']: model for model in list_models()}


@pytest.fixture(scope='module', params=NAMES)
def built(request):
    """A config and its model; pytest runs all tests of one before it builds the next."""
    cfg = load(request.param)
    with torch.device('meta'):
        return request.param, cfg, build_model(cfg)


def test_parts_fit(built):
    _, cfg, model = built
    channels = list(model.backbone.out_channels)
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


def test_heatmaps_have_a_quarter_of_the_input(built):
    name, _, model = built
    if not name.startswith('topdown'):
        return
    stride = model.backbone.out_strides[-1]
    for layer in model.head.deconv_layers if '_hrformer_' not in name else ():
        stride //= 2 if isinstance(layer, torch.nn.ConvTranspose2d) else 1
    assert stride == 4


def test_optimizer(built):
    """It builds, covers every parameter once, and what spares weights from decay finds some."""
    _, cfg, model = built
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    assert cfg.optim_wrapper.type == 'OptimWrapper', 'fp32 unless --amp'
    assert cfg.optim_wrapper.get('clip_grad') is None
    assert type(wrapper.optimizer).__name__ == 'AdamW'
    names = {id(p): n for n, p in model.named_parameters()}
    decay = {}
    for group in wrapper.optimizer.param_groups:
        assert group['betas'] == (0.9, 0.999)
        assert group['lr'] == cfg.optim_wrapper.optimizer.lr
        decay.update({names[id(p)]: group['weight_decay'] for p in group['params']})
    assert decay.keys() >= {n for n, p in model.named_parameters() if p.requires_grad}

    rules = cfg.optim_wrapper.get('paramwise_cfg') or {}
    for key in rules.get('custom_keys', {}):
        spared = [n for n in decay if key in n]
        assert spared, f'{key} matches nothing'
        assert all(decay[n] == 0 for n in spared)
    norms = [n for n in decay if n.rsplit('.', 1)[0].rsplit('.', 1)[-1] in ('bn', 'norm', 'norm1')]
    assert norms
    expected = 0 if 'norm_decay_mult' in rules else cfg.optim_wrapper.optimizer.weight_decay
    assert {decay[n] for n in norms} == {expected}
    assert all(decay[n] > 0 for n in decay if n.endswith(('conv.weight', 'fc1.weight')))


def test_schedule(built):
    """As the metafile says."""
    name, cfg, _ = built
    about = METAFILES[name]['Metadata']
    assert cfg.train_cfg.get('max_epochs') == about.get('Epochs')
    assert cfg.train_cfg.get('max_iters') == about.get('Iterations')


def four_digits(number):
    return int(float(f'{number:.4g}'))


# Million parameters of the whole model, as published (see the configs' first lines for where;
# those of pose models are other projects' counts of the same model).
PUBLISHED_SIZES = dict(
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


def test_parameters(built):
    """As the metafile says, and to the last digit that is published."""
    name, _, model = built
    params = count_parameters(model)
    assert four_digits(params) == METAFILES[name]['Metadata']['Parameters']
    published = PUBLISHED_SIZES.get(name, params / 1e6)
    half_a_digit = 0.5 if isinstance(published, int) else 0.06
    assert abs(params / 1e6 - published) <= half_a_digit


RECIPES = each_recipe()


def test_flops(built, request):
    """As the metafile says; and the authors' count, at their image size, where there is one."""
    name, cfg, model = built
    published = METAFILES[name].get('Published Cost', {})
    if name not in RECIPES and 'FLOPs' not in published:
        return  # see test_flops_of_other_sizes
    size = usual_size(cfg)
    flops = forward_flops(cfg.default_scope, model.eval(), size)
    about = METAFILES[name]['Metadata']
    assert (four_digits(flops), list(size)) == (about['FLOPs'], about['Input Size'])
    if 'FLOPs' in published:
        count_as_published(request.getfixturevalue('monkeypatch'))
        size = published.get('Input Size', size)
        flops = forward_flops(cfg.default_scope, model, size)
        assert flops == pytest.approx(published['FLOPs'], rel=0.01)


@pytest.mark.extended
@pytest.mark.parametrize('name', [name for name in NAMES if name not in RECIPES])
def test_flops_of_other_sizes(name):
    assert four_digits(model_cost(load(name)).flops) == METAFILES[name]['Metadata']['FLOPs']
