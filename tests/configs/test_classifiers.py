"""The ImageNet configs for MMPretrain: names, recipes, models, costs."""

import re

import pytest
import torch
from mmengine.optim import build_optim_wrapper

from hybrid_backbones.analysis.accuracy.protocols import preprocessing_of
from hybrid_backbones.complexity.backbone import count_parameters
from hybrid_backbones.complexity.model import forward_flops, usual_size
from hybrid_backbones.zoo.configs import list_models
from tests.configs.common import CLASSIFIERS, CONFIGS, build_model, load
from tests.configs.test_names import ARCHS, FAMILIES

pytest.importorskip('mmpretrain')

METAFILES = {model['Name']: model for model in list_models()}
GRAMMAR = re.compile(
    rf'classifier_(?P<family>{"|".join(ARCHS)})_(?P<variant>[a-z0-9]+)_(?P<epochs>\d+)e_imagenet'
)
GPUS = 8  # in every published recipe

# Of the authors' scripts: drop path, learning rate, weight decay, batch in all, epochs of warm-up,
# momentum of the averaged weights, whether a batch has several augmentations of an image.
DEIT = (0.1, 1e-3, 0.05, 1024, 5, None, True)
PUBLISHED = dict(
    conformer_ti=DEIT,
    conformer_s=DEIT,
    conformer_s32=DEIT,
    conformer_b=DEIT,
    cvt_13=([0, 0, 0.1], 2e-3, 0.05, 2048, 5, None, False),
    cvt_21=([0, 0, 0.1], 2e-3, 0.1, 2048, 5, None, False),
    hrformer_t=(0.0, 1e-3, 0.05, 1024, 20, None, False),
    hrformer_s=(0.0, 1e-3, 0.05, 1024, 20, None, False),
    hrformer_b=(0.2, 1e-3, 0.05, 1024, 20, None, False),
    transxnet_t=(0.1, 2e-3, 0.05, 1024, 5, 2e-4, False),
    transxnet_s=(0.2, 2e-3, 0.05, 1024, 5, 1.5e-4, False),
    transxnet_b=(0.4, 2e-3, 0.05, 1024, 5, 1.5e-4, False),
    uniformer_xxs=(0.0, 3.2e-3, 0.1, 4096, 30, 1e-4, False),
    uniformer_xs=(0.1, 4e-3, 0.05, 4096, 30, 1e-4, False),
    uniformer_s=DEIT,
    uniformer_b=(0.3, 8e-4, 0.05, 1024, 5, None, True),
)
# million parameters of the networks with their classifiers, as published
SIZES = dict(
    conformer_ti=23.5,
    conformer_s=37.7,
    conformer_b=83.3,
    cvt_13=20,
    cvt_21=32,
    hrformer_t=8.0,
    hrformer_s=13.5,
    hrformer_b=50.3,
    transxnet_t=12.8,
    transxnet_s=26.9,
    transxnet_b=48.0,
    uniformer_xxs=10.2,
    uniformer_xs=16.5,
    uniformer_s=22,
    uniformer_b=50,
)


def short(name):
    return '_'.join(name.split('_')[1:3])


@pytest.fixture(scope='module', params=CLASSIFIERS)
def built(request):
    """A config and its model; pytest runs all tests of one before it builds the next."""
    cfg = load(request.param)
    with torch.device('meta'):
        return request.param, cfg, build_model(cfg)


def test_every_variant():
    wanted = {f'{family}_{variant}' for family, archs in ARCHS.items() for variant in archs}
    assert {short(name) for name in CLASSIFIERS} == wanted == set(PUBLISHED)


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_name_says_what_it_is(name):
    cfg, found = load(name), GRAMMAR.fullmatch(name)
    backbone = cfg.model.backbone
    assert backbone.type == f'hybrid_backbones.{FAMILIES[found["family"]]}'
    assert backbone.arch == ARCHS[found['family']][found['variant']]
    assert cfg.train_cfg.max_epochs == int(found['epochs'])
    assert cfg.model.head.num_classes == 1000
    assert METAFILES[name]['Metadata']['Epochs'] == cfg.train_cfg.max_epochs


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_first_lines_say_what_is_published(name):
    lines = (CONFIGS / f'{name}.py').read_text(encoding='utf-8').splitlines()
    head = ' '.join(line[2:] for line in lines[: lines.index('_base_ = [')])
    assert ('Published with this recipe: ' in head) != ('No result is published' in head)
    assert ('Published' in head) == ('https://github.com/' in head), 'with its source'
    assert len(lines) <= 25


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_published_numbers(name):
    cfg = load(name)
    optimizer, loader = cfg.optim_wrapper.optimizer, cfg.train_dataloader
    hooks = cfg.get('custom_hooks', [])
    found = (
        cfg.model.backbone.drop_path_rate,
        optimizer.lr,
        optimizer.weight_decay,
        loader.batch_size * GPUS,
        cfg.param_scheduler[0].end,
        hooks[0].momentum if hooks else None,
        loader.sampler.type == 'RepeatAugSampler',
    )
    assert found == PUBLISHED[short(name)]
    assert cfg.auto_scale_lr == dict(enable=False, base_batch_size=found[3])
    clip = cfg.optim_wrapper.get('clip_grad')
    assert clip == (dict(max_norm=5.0) if 'hrformer' in name else None)
    assert (cfg.get('sync_bn') == 'torch') == ('transxnet' in name)


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_schedule(name):
    """From a millionth to the learning rate, and down to ten times that, over all epochs."""
    cfg = load(name)
    warmup, cosine = cfg.param_scheduler
    lr, epochs = cfg.optim_wrapper.optimizer.lr, cfg.train_cfg.max_epochs
    assert warmup.start_factor * lr == pytest.approx(1e-6, rel=1.1)
    assert (warmup.begin, warmup.convert_to_iter_based) == (0, True)
    assert (cosine.begin, cosine.end, cosine.T_max) == (warmup.end, epochs, epochs - warmup.end)
    assert cosine.eta_min == 1e-5


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_images(name):
    """Augmented as DeiT, in training; tested as `validate` prepares them."""
    cfg = load(name)
    training, testing = (
        {step.type: step for step in loader.dataset.pipeline}
        for loader in (cfg.train_dataloader, cfg.test_dataloader)
    )
    assert training['RandomResizedCrop'].scale == 224
    assert training['RandomErasing'].erase_prob == 0.25
    weak = 'AutoAugment' if 'uniformer_xxs' in name else 'RandAugment'
    assert weak in training
    augments = {each.type: each.alpha for each in cfg.model.train_cfg.augments}
    assert augments == dict(Mixup=0.8, CutMix=1.0)
    assert cfg.model.head.loss.label_smooth_val == 0.1

    backbone = cfg.model.backbone
    wanted = preprocessing_of(backbone.type.split('.')[1], backbone.arch)
    resize = testing['ResizeEdge']
    assert (resize.scale, resize.edge, resize.interpolation) == (wanted.resize, 'short', 'bicubic')
    assert testing['CenterCrop'].crop_size == wanted.size
    normalisation = cfg.model.data_preprocessor
    assert normalisation.mean == pytest.approx([255 * value for value in wanted.mean], rel=1e-3)
    assert normalisation.std == pytest.approx([255 * value for value in wanted.std], rel=1e-3)
    assert normalisation.to_rgb


def test_optimizer(built):
    """Norms, biases and other vectors are not decayed; what is spared by name is there."""
    _, cfg, model = built
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(p): n for n, p in model.named_parameters()}
    decay = {}
    for group in wrapper.optimizer.param_groups:
        decay.update({names[id(p)]: group['weight_decay'] for p in group['params']})
    assert decay.keys() == {n for n, _ in model.named_parameters()}
    keys = cfg.optim_wrapper.paramwise_cfg.get('custom_keys', {})
    assert all(any(key in name for name in decay) for key in keys)
    for name, parameter in model.named_parameters():
        free = parameter.dim() < 2 or name.endswith('.bias') or any(key in name for key in keys)
        assert decay[name] == (0 if free else cfg.optim_wrapper.optimizer.weight_decay), name
    tokens = [name for name in decay if 'cls_token' in name]
    assert all(decay[name] == 0 for name in tokens), 'as the authors'


def test_cost(built):
    """As the metafile says; and to the last digit that is published."""
    name, cfg, model = built
    about, params, size = METAFILES[name]['Metadata'], count_parameters(model), usual_size(cfg)
    flops = forward_flops(cfg.default_scope, model.eval(), size)
    counted = [int(float(f'{number:.4g}')) for number in (params, flops)]
    assert [*counted, list(size)] == [about['Parameters'], about['FLOPs'], about['Input Size']]
    published = SIZES.get(short(name), params / 1e6)
    assert abs(params / 1e6 - published) <= (0.5 if isinstance(published, int) else 0.06)
