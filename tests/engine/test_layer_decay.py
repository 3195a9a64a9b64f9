"""Layer decay: which layer each parameter is of, its factor, and that all else stays mmengine's."""

import copy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from hybrid_backbones import backbones
from hybrid_backbones.backbones import families
from hybrid_backbones.config.load import load_config
from hybrid_backbones.engine.layer_decay import NEW, describe, layer_rates
from hybrid_backbones.openmmlab.build import build_in_scope
from hybrid_backbones.synthetic import write_coco
from tests.tools.commands import MASK_RCNN, PROJECT, complaint, run, tool

FAMILIES = tuple(families())

CONSTRUCTOR = 'hybrid_backbones.LayerDecayOptimWrapperConstructor'
SMALL = {
    'Conformer': 'tiny_patch16',
    'CvT': '13',
    'HRFormer': 'tiny',
    'TransXNet': 't',
    'UniFormer': 'small',
}
# layers behind the stem: blocks, and in Conformer where the branches part
LAYERS = dict(Conformer=1 + 11, CvT=13, HRFormer=2 + 2 * (1 + 3 + 2), TransXNet=18, UniFormer=18)
STAGES = dict(Conformer=4, CvT=3, HRFormer=4, TransXNet=4, UniFormer=4)
# how far from the head a parameter is: 1 is the last layer, 0 the head itself
DISTANCES = [
    ('Conformer', 'stem.conv.weight', 13),
    ('Conformer', 'stages.0.cnn.conv1.conv.weight', 12),
    ('Conformer', 'stages.0.trans.attn.qkv.weight', 12),
    ('Conformer', 'stages.0.patch_embed.weight', 12),
    ('Conformer', 'stages.0.cls_token', 12),
    ('Conformer', 'stages.0.blocks.0.down.proj.weight', 11),
    ('Conformer', 'stages.1.blocks.0.trans.norm1.weight', 8),
    ('Conformer', 'stages.3.blocks.0.fusion.conv1.conv.weight', 1),
    ('CvT', 'stem.proj.weight', 14),
    ('CvT', 'stages.1.downsample.proj.weight', 12),
    ('CvT', 'stages.2.cls_token', 10),
    ('CvT', 'stages.2.downsample.proj.weight', 10),
    ('CvT', 'stages.2.blocks.9.attn.conv_q.bn.bias', 1),
    ('CvT', 'stages.3.downsample.conv.weight', 0),
    ('HRFormer', 'stem.0.conv.weight', 15),
    ('HRFormer', 'stages.0.blocks.0.downsample.conv.weight', 14),
    ('HRFormer', 'stages.1.transition.1.conv.weight', 12),
    ('HRFormer', 'stages.1.blocks.0.branches.0.0.norm1.weight', 12),
    ('HRFormer', 'stages.1.blocks.0.branches.1.0.norm1.weight', 12),
    ('HRFormer', 'stages.1.blocks.0.branches.1.1.norm1.weight', 11),
    ('HRFormer', 'stages.1.blocks.0.fuse.0.1.conv.weight', 11),
    ('HRFormer', 'stages.2.transition.2.conv.weight', 10),
    ('HRFormer', 'stages.3.blocks.1.branches.3.0.attn.rel_pos_bias', 2),
    ('HRFormer', 'stages.3.blocks.1.fuse.3.0.0.conv.weight', 1),
    ('TransXNet', 'stages.0.rel_pos.table', 18),
    ('TransXNet', 'stages.3.downsample.conv.weight', 3),
    ('TransXNet', 'stages.3.blocks.2.scale1.weight', 1),
    ('TransXNet', 'out_norms.0.weight', 0),
    ('UniFormer', 'stem.proj.weight', 19),
    ('UniFormer', 'stages.0.blocks.0.attn.value.weight', 18),
    ('UniFormer', 'stages.2.downsample.norm.weight', 11),
    ('UniFormer', 'stages.2.blocks.5.attn.qkv.weight', 6),
    ('UniFormer', 'out_norms.3.weight', 0),
]


class Model(nn.Module):
    """A backbone where models have it, and a head."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Conv2d(backbone.out_channels[-1], 2, 1)


def build(family, **options):
    with torch.device('meta'):
        return Model(getattr(backbones, family)(SMALL[family], **options))


def optimizer_of(model, decay_rate=0.5, optimizer=None, **paramwise):
    cfg = dict(
        constructor=CONSTRUCTOR,
        optimizer=optimizer or dict(type='AdamW', lr=1.0, weight_decay=0.1),
        paramwise_cfg=dict(decay_rate=decay_rate, **paramwise),
    )
    return build_optim_wrapper(model, ConfigDict(cfg)).optimizer


def groups_of(optimizer, model):
    """The group of each parameter by name; no parameter has two."""
    names = {id(p): name for name, p in model.named_parameters()}
    found = {}
    for group in optimizer.param_groups:
        for parameter in group['params']:
            assert names[id(parameter)] not in found
            found[names[id(parameter)]] = group
    return found


@pytest.mark.parametrize('family, name, distance', DISTANCES)
def test_distance_from_the_head(family, name, distance):
    rate = layer_rates(build(family), 0.5)[f'backbone.{name}']
    assert rate.scale == 0.5**distance
    assert (rate.layer == NEW) == (distance == 0)


@pytest.mark.parametrize('family', FAMILIES)
def test_every_layer_learns_faster_than_the_one_before(family):
    """In the order of the computation, which is that of the names but for Conformer's parts."""
    model = build(family)
    rates = layer_rates(model, 0.5)
    assert list(rates) == [name for name, _ in model.named_parameters()]
    layers = dict.fromkeys(rate.scale for rate in rates.values())
    assert sorted(layers) == [0.5**d for d in range(LAYERS[family] + 1, -1, -1)]
    parts = ['backbone.stem.', *(f'backbone.stages.{i}.' for i in range(STAGES[family]))]
    scales = [{r.scale for n, r in rates.items() if n.startswith(part)} for part in parts]
    for before, after in zip(scales, scales[1:]):
        assert max(before) < min(after)
    for stage, part in enumerate(parts[1:]):
        in_blocks = [r.scale for n, r in rates.items() if n.startswith(f'{part}blocks.')]
        assert in_blocks == sorted(in_blocks) or family == 'HRFormer', stage
    assert {rates['head.weight'].scale, rates['head.bias'].scale} == {1.0}


@pytest.mark.parametrize('family', FAMILIES)
def test_stage_wise(family):
    stages = STAGES[family]
    for name, rate in layer_rates(build(family), 0.5, 'stage_wise').items():
        _, part, *rest = name.split('.')
        distance = 0
        if part == 'stem':
            distance = stages + 1
        elif part == 'stages' and int(rest[0]) < stages:
            distance = stages - int(rest[0])
        assert rate.scale == 0.5**distance, name


@pytest.mark.parametrize('family', FAMILIES)
def test_only_the_levels_that_are_built_count(family):
    """The last stage there is comes right before the head."""
    rates = layer_rates(build(family, out_indices=(0, 1)), 0.5, 'stage_wise')
    last = 3 if family == 'HRFormer' else 1  # every stream of HRFormer needs all stages
    assert rates[next(n for n in rates if n.startswith(f'backbone.stages.{last}.'))].scale == 0.5


def test_light_uniformer():
    """Its later stages have a class token, or a projection of it, before their first block."""
    with torch.device('meta'):
        rates = layer_rates(Model(backbones.UniFormer('xxs')), 0.5)
    for stage, part in ((2, 'cls_token'), (3, 'cls_proj.weight')):
        scale = rates[f'backbone.stages.{stage}.{part}'].scale
        assert scale == rates[f'backbone.stages.{stage}.blocks.0.norm1.weight'].scale


def test_gathered_layers():
    """18 layers as 6: three neighbours share a factor, the stem is before them alone."""
    rates = layer_rates(build('UniFormer'), 0.5, num_layers=6)
    assert rates['backbone.stem.proj.weight'].scale == 0.5**7
    of_blocks = [rates[f'backbone.stages.0.blocks.{j}.norm1.weight'].scale for j in range(3)]
    assert of_blocks == [0.5**6] * 3
    assert rates['backbone.stages.1.blocks.0.norm1.weight'].scale == 0.5**5
    assert rates['backbone.stages.3.blocks.2.norm1.weight'].scale == 0.5
    assert rates['backbone.stages.3.blocks.0.norm1.weight'].scale == 0.5
    assert rates['head.weight'].scale == 1


@pytest.mark.parametrize('family', FAMILIES)
def test_one_group_for_each_parameter_that_learns(family):
    model = build(family, frozen_stages=1)
    groups = groups_of(optimizer_of(model), model)
    assert set(groups) == {n for n, p in model.named_parameters() if p.requires_grad}
    assert not [n for n in groups if n.startswith(('backbone.stem.', 'backbone.stages.0.'))]
    rates = layer_rates(model, 0.5)
    for name, group in groups.items():
        assert group['lr'] == rates[name].scale


def test_all_else_is_mmengines():
    """Group by group, the default constructor's settings, times the factor."""
    model = build('UniFormer')
    settings = dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.5,
        dwconv_decay_mult=0.25,
        bias_lr_mult=3.0,
        custom_keys={'head': dict(lr_mult=10.0), 'stages.1': dict(lr_mult=7.0, decay_mult=2.0)},
    )
    decayed = groups_of(optimizer_of(model, 0.5, **settings), model)
    optimizer = dict(type='AdamW', lr=1.0, weight_decay=0.1)
    cfg = ConfigDict(optimizer=optimizer, paramwise_cfg=settings)
    default = groups_of(build_optim_wrapper(model, cfg).optimizer, model)
    rates = layer_rates(model, 0.5)
    assert set(decayed) == set(default)
    for name, group in default.items():
        assert decayed[name]['lr'] == pytest.approx(group['lr'] * rates[name].scale)
        assert decayed[name]['weight_decay'] == group['weight_decay']
    assert {group['weight_decay'] for group in decayed.values()} == {0, 0.025, 0.05, 0.1, 0.2}


def test_shared_parameters():
    """As mmengine: an error of torch, unless the second is bypassed."""
    model = build('CvT')
    model.again = nn.Conv2d(1, 1, 1, bias=False)
    model.again.weight = model.head.weight
    with pytest.raises(ValueError, match='more than one parameter group'):
        optimizer_of(model)
    assert groups_of(optimizer_of(model, bypass_duplicate=True), model)['head.weight']['lr'] == 1


def test_wrapped_models():
    """DDP's ``module.``, and the names that FSDP, checkpointing and torch.compile make."""
    model = build('UniFormer')
    expected = sorted(rate.scale for rate in layer_rates(model, 0.5).values())
    wrapped = nn.Module()
    wrapped.module = model
    lrs = sorted(group['lr'] for group in optimizer_of(wrapped).param_groups)
    assert lrs == expected
    stage = model.backbone.stages[1]
    for path in ('_fsdp_wrapped_module', '_checkpoint_wrapped_module', '_orig_mod'):
        stage.blocks[0] = hold(path, stage.blocks[0])
        model.backbone = hold(path, model.backbone)
    assert any('_fsdp_wrapped_module.stages.1' in name for name, _ in model.named_parameters())
    assert sorted(rate.scale for rate in layer_rates(model, 0.5).values()) == expected
    model.backbone._flat_param = nn.Parameter(torch.zeros(1))
    with pytest.raises(ValueError, match='use_orig_params=True'):
        layer_rates(model, 0.5)


def hold(path, module):
    holder = nn.Module()
    setattr(holder, path, module)
    return holder


@pytest.mark.parametrize(
    'paramwise, message',
    [
        (dict(decay_rate=0), 'decay_rate must be a number above 0, up to 1, got 0'),
        (dict(decay_rate=1.1), 'decay_rate must be'),
        (dict(decay_rate='0.9'), "got '0.9'"),
        (dict(decay_rate=True), 'got True'),
        (dict(decay_type='block_wise'), "must be one of layer_wise, stage_wise, got 'block_wise'"),
        (dict(num_layers=0), 'num_layers must be None or a positive int, got 0'),
        (dict(num_layers=14), 'num_layers must be at most 13, as many as there are, got 14'),
        (dict(num_layers=3, decay_type='stage_wise'), 'num_layers is for layer_wise decay alone'),
        (dict(optimizer=dict(type='AdamW')), 'layer decay needs lr in optim_wrapper.optimizer'),
    ],
    ids=str,
)
def test_wrong_settings(paramwise, message):
    with pytest.raises(ValueError, match=message) as caught:
        optimizer_of(build('CvT'), **paramwise)
    assert '\n' not in str(caught.value)


def test_decay_rate_is_necessary():
    cfg = dict(type=CONSTRUCTOR, optim_wrapper_cfg=dict(optimizer=dict(type='SGD', lr=1.0)))
    with pytest.raises(ValueError, match='decay_rate must be a number above 0, up to 1, got None'):
        OPTIM_WRAPPER_CONSTRUCTORS.build(cfg)


def test_model_of_others():
    with pytest.raises(ValueError, match='needs a backbone of hybrid_backbones, and there is none'):
        optimizer_of(nn.Linear(2, 2))


def test_description():
    lines = describe(build('CvT', frozen_stages=0), 0.5, 'stage_wise').splitlines()
    assert [line.split() for line in lines[:3]] == [
        ['layer', 'lr', 'scale', 'learnt'],
        ['backbone.stem', '0.0625', '0'],
        ['backbone.stages.0', '0.1250', '52,096'],
    ]
    assert lines[-1].startswith(NEW)
    assert lines[-1].split()[-2] == '1.0000'
    assert len({len(line) for line in lines}) == 1


def test_a_step_is_smaller_by_the_factor():
    """Plain gradient descent, and all gradients 1."""
    model = Model(backbones.UniFormer('small', out_indices=(0,)))
    optimizer = optimizer_of(model, 0.5, optimizer=dict(type='SGD', lr=1.0))
    before = copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    rates = layer_rates(model, 0.5)
    for (name, old), new in zip(before.named_parameters(), model.parameters()):
        torch.testing.assert_close(new, old - rates[name].scale, rtol=0, atol=1e-6)
    assert {rate.scale for rate in rates.values()} == {1, 0.5, 0.25, 0.125, 0.0625}


@pytest.mark.parametrize(
    'library, name',
    [
        ('mmdet', 'maskrcnn_conformer_ti_1x'),
        ('mmseg', 'semanticfpn_transxnet_t_80k_ade20k'),
        ('mmpose', 'topdown_hrformer_t_210e_coco_256x192'),
        ('mmseg', 'upernet_uniformer_xxs_160k_ade20k'),
        ('mmdet', 'retinanet_cvt_13_1x'),
    ],
)
def test_whole_models(library, name):
    """Of all three libraries, with the settings that our configs have."""
    pytest.importorskip(library)
    cfg = load_config(str(PROJECT / 'configs' / f'{name}.py'))
    with torch.device('meta'):
        model = build_in_scope(cfg.default_scope, cfg.model)
    default = groups_of(build_optim_wrapper(model, cfg.optim_wrapper).optimizer, model)
    paramwise = cfg.optim_wrapper.get('paramwise_cfg') or {}
    cfg.optim_wrapper.update(constructor=CONSTRUCTOR, paramwise_cfg=dict(paramwise, decay_rate=0.5))
    decayed = groups_of(build_optim_wrapper(model, cfg.optim_wrapper).optimizer, model)
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    assert set(decayed) == learning
    rates = layer_rates(model, 0.5)
    new = {name for name, rate in rates.items() if rate.layer == NEW}
    for parameter in learning:
        before, after = default[parameter], decayed[parameter]
        assert after['weight_decay'] == before['weight_decay']
        assert after['lr'] == pytest.approx(before['lr'] * rates[parameter].scale)
        assert (rates[parameter].scale == 1) == (parameter in new)
    assert {n for n in rates if not n.startswith('backbone.')} <= new
    assert all('.out_norms.' in n or 'stages.3.' in n for n in new if n.startswith('backbone.'))


@pytest.mark.slow
def test_wrong_setting_on_the_command_line(tmp_path):
    pytest.importorskip('mmdet')
    options = [
        f'optim_wrapper.constructor={CONSTRUCTOR}',
        'optim_wrapper.paramwise_cfg.decay_rate=2',
    ]
    line = complaint(tool(tmp_path, 'train', MASK_RCNN, '--mini', '--cfg-options', *options))
    assert 'decay_rate must be a number above 0, up to 1, got 2' in line


ELSEWHERE = """_base_ = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
model = dict(
    backbone=dict(_delete_=True, type='hybrid_backbones.UniFormer', arch='xxs',
        out_indices=(1, 2, 3)),
    neck=dict(in_channels=[112, 224, 448], start_level=0),
    bbox_head=dict(num_classes=3))
optim_wrapper = dict(
    constructor='hybrid_backbones.LayerDecayOptimWrapperConstructor',
    paramwise_cfg=dict(decay_rate=0.5, norm_decay_mult=0.0))
"""


@pytest.mark.slow
def test_with_mmdetections_own_tool(tmp_path, mini_root):
    """In an unrelated folder, from the config alone; its log says what each layer got."""
    mmdet = pytest.importorskip('mmdet')
    (tmp_path / 'mine.py').write_text(ELSEWHERE)
    (tmp_path / 'mini').symlink_to(write_coco(mini_root / 'coco'))
    options = [
        'train_dataloader.dataset.data_root=mini/',
        'train_dataloader.dataset.metainfo.classes=(disc,square,triangle)',
        'train_dataloader.dataset.indices=2',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'train_dataloader.dataset.pipeline.2.scale=(64,64)',
        'train_cfg.max_epochs=1',
        'val_dataloader=None',
        'val_evaluator=None',
        'val_cfg=None',
        'default_hooks.logger.interval=1',
    ]
    train = Path(mmdet.__file__).parent / '.mim' / 'tools' / 'train.py'
    module = ('-m', 'hybrid_backbones.openmmlab.operators')  # mmcv need not be compiled
    command = (
        'env',
        '-uPYTHONPATH',
        sys.executable,
        *module,
        train,
        'mine.py',
        '--work-dir',
        'work',
    )
    result = run(tmp_path, *command, '--cfg-options', *options)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert 'Epoch(train) [1][1/1]' in output
    (stem,) = (line for line in output.splitlines() if line.startswith('backbone.stem '))
    assert stem.split()[1] == f'{0.5**18:.4f}'
