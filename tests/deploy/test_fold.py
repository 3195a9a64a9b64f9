"""Folded backbones compute what they computed before, with less."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import hybrid_backbones
from hybrid_backbones import UniFormer
from hybrid_backbones.backbones.transxnet import ChannelAffine
from hybrid_backbones.deploy import FoldedBackbone, fold, fold_model
from hybrid_backbones.deploy.folding.affine import affine_of, fold_into
from hybrid_backbones.deploy.folding.inplace import ResidualSum
from hybrid_backbones.deploy.folding.onednn import (
    OneDNNConv2d,
    OneDNNDepthwiseConv2d,
    OneDNNLinear,
    by_onednn,
)
from hybrid_backbones.layers import DropPath, LayerScale, ResidualDWConv
from tests.deploy.randomise import furthest, randomise
from tests.versions import from_torch

SCALED = dict(depths=(1, 1, 2, 1), dims=(16, 32, 48, 64), head_dim=16)
LIGHT = dict(depths=(1, 1, 2, 1), dims=(16, 32, 48, 64), head_dim=16, conv_stem=True)
SMALL = {
    'Conformer': ('Conformer', dict(arch='tiny_patch16')),
    'Conformer_32': ('Conformer', dict(arch=dict(patch=32, channel_ratio=1, embed_dim=64))),
    'CvT': ('CvT', dict(arch='13')),
    'HRFormer': ('HRFormer', dict(arch='tiny')),
    'HRFormer_pose': (
        'HRFormer',
        dict(
            arch=dict(width=18, modules=(1, 1, 1), depth=1),
            **dict(with_rel_pos_bias=False, fuse_upsample='bilinear', out_indices=(0, 2)),
        ),
    ),
    'TransXNet': ('TransXNet', dict(arch='t')),
    'UniFormer': ('UniFormer', dict(arch='small', stage3_attention='hybrid', window_size=5)),
    'UniFormer_plus': ('UniFormer', dict(arch='small_plus', out_indices=(1, 3))),
    'UniFormer_ls': (
        'UniFormer',
        dict(
            arch=dict(**SCALED, layer_scale_stages=(0, 1, 2, 3)),
            **dict(stage3_attention='hybrid', window_size=3),
        ),
    ),
    'UniFormer_light': ('UniFormer', dict(arch=dict(**LIGHT, token_pruning=True))),
}
LARGE = {
    'Conformer': ('small_patch16', 'small_patch32', 'base_patch16'),
    'CvT': ('21', 'w24'),
    'HRFormer': ('small', 'base'),
    'TransXNet': ('s', 'b'),
    'UniFormer': ('base', 'base_ls', 'large_ls_tl', 'xxs', 'xs'),
}
LARGE_MARKS = (pytest.mark.slow, pytest.mark.extended)
ALL = [pytest.param(*SMALL[name], id=name) for name in SMALL] + [
    pytest.param(family, dict(arch=arch), id=f'{family}_{arch}', marks=LARGE_MARKS)
    for family, archs in LARGE.items()
    for arch in archs
]

# in standard deviations of a level; unfolded backbones are as far from their own float64 selves
FLOAT32, FLOAT64 = 3e-5, 1e-11


def build(family, options, **more):
    return randomise(getattr(hybrid_backbones, family)(**options, **more)).eval()


def small(**options):
    """The quickest that has BatchNorms, layer scales and residual convolutions."""
    return build(*SMALL['UniFormer_ls'], **options)


def image(height=75, width=101, batch=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


def left(backbone, kind):
    return [name for name, module in backbone.named_modules() if isinstance(module, kind)]


@pytest.mark.parametrize('family, options', ALL)
def test_outputs(family, options):
    """In float64 nothing but rounding may tell a folded backbone; so in float32, and in batches."""
    backbone = build(family, options)
    folded = fold(backbone)
    with torch.inference_mode():
        assert furthest(folded(image(64, 96, batch=2)), backbone(image(64, 96, batch=2))) < FLOAT32
        backbone = backbone.double()
        levels = fold(backbone)(image().double())
        assert furthest(levels, backbone(image().double())) < FLOAT64
    assert folded.out_channels == tuple(level.shape[1] for level in levels)
    assert folded.out_indices == backbone.out_indices
    assert folded.out_strides == backbone.out_strides
    assert all(level.is_contiguous() for level in levels)


@pytest.mark.parametrize('family, options', SMALL.values(), ids=SMALL.keys())
def test_what_is_left(family, options):
    backbone = build(family, options, drop_path_rate=0.1)
    folded = fold(backbone)
    assert not left(folded, (ChannelAffine, DropPath, ResidualDWConv))
    assert not left(folded, (nn.GELU, nn.ReLU, nn.SiLU))
    layers = {type(m) for m in folded.modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    assert layers <= {OneDNNConv2d, OneDNNDepthwiseConv2d, OneDNNLinear}
    norms, scales = left(folded, _BatchNorm), left(folded, LayerScale)
    blocks = [f'body.{name[: -len(".mlp")]}' for name in left(backbone, nn.Module) if _is_mlp(name)]
    if family == 'TransXNet':
        assert norms == [f'{block}.mlp.norm1' for block in blocks]
        assert scales == [f'{block}.mixer.shortcut' for block in blocks]
    else:
        assert norms == scales == []
    assert len(left(folded, nn.LayerNorm)) == len(left(backbone, nn.LayerNorm))
    assert len(left(folded, nn.GroupNorm)) == len(left(backbone, nn.GroupNorm))


def _is_mlp(name):
    return name.endswith('.mlp')


@pytest.mark.parametrize('family, options', SMALL.values(), ids=SMALL.keys())
def test_the_original_is_untouched(family, options):
    backbone = build(family, options, norm_eval=True, frozen_stages=0).train().eval()
    before = copy.deepcopy(backbone)
    folded = fold(backbone)
    with torch.inference_mode():
        folded(image())
    assert repr(backbone) == repr(before)
    state = backbone.state_dict()
    assert all(torch.equal(state[name], value) for name, value in before.state_dict().items())
    trained = {name for name, p in backbone.named_parameters() if p.requires_grad}
    assert trained == {name for name, p in before.named_parameters() if p.requires_grad}
    own = {value.data_ptr() for value in state.values()}
    assert not own & {value.data_ptr() for value in folded.state_dict().values()}
    sum(level.square().mean() for level in backbone.train()(image(batch=2))).backward()
    assert {name for name, p in backbone.named_parameters() if p.grad is not None} == trained


def test_gradients_are_not_copied():
    backbone = small()
    sum(level.mean() for level in backbone(image())).backward()
    folded = fold(backbone)
    assert all(p.grad is None and not p.requires_grad for p in folded.parameters())
    assert all(p.grad is not None for p in backbone.parameters())


def test_sync_batch_norm():
    backbone = build(*SMALL['UniFormer_light'])
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(backbone))
    folded = fold(converted.eval())
    assert not left(folded, _BatchNorm)
    with torch.inference_mode():
        assert furthest(folded(image()), backbone(image())) < FLOAT32


def test_other_blocks_are_left_alone():
    """A subclass of a block may compute something else than the rule of its base knows."""

    class Mine(hybrid_backbones.backbones.uniformer_blocks.LocalBlock):
        def forward(self, x):
            return x + self.norm1(self.pos_embed(x))

    backbone = small()
    block = backbone.stages[0].blocks[0]
    block.__class__ = Mine
    folded = fold(backbone)
    assert left(folded, _BatchNorm) == [
        'body.stages.0.blocks.0.norm1',
        'body.stages.0.blocks.0.norm2',
    ]
    with torch.inference_mode():
        assert furthest(folded(image()), backbone(image())) < FLOAT32


def test_only_for_inference():
    folded = fold(small())
    assert folded.eval() is folded
    with pytest.raises(ValueError, match='a folded backbone is for inference'):
        folded.train()
    assert not any(module.training for module in folded.modules())


@pytest.mark.parametrize('how', ['state_dict', 'deepcopy', 'pickle'])
def test_copies(how):
    folded = fold(small())
    if how == 'state_dict':
        twin = fold(randomise(small()).eval())
        twin.load_state_dict(folded.state_dict())
    else:
        twin = copy.deepcopy(folded) if how == 'deepcopy' else pickle.loads(pickle.dumps(folded))
    with torch.inference_mode():
        pairs = list(zip(folded(image()), twin(image())))
    assert isinstance(twin, FoldedBackbone)
    assert all(torch.equal(a, b) for a, b in pairs)


HALF = from_torch('2.2', 'has no convolution of float16 on a CPU')


@pytest.mark.parametrize('family', ['Conformer_32', 'TransXNet', 'UniFormer_ls'])
@pytest.mark.parametrize(
    'dtype', [torch.bfloat16, pytest.param(torch.float16, marks=HALF)], ids=['bf16', 'fp16']
)
def test_smaller_types(family, dtype):
    """Hardly further from the truth than the unfolded backbone in that type."""
    backbone = build(*SMALL[family], out_indices=(0, 1))
    with torch.inference_mode():
        truth = backbone(image())
        rough = copy.deepcopy(backbone).to(dtype)(image().to(dtype))
        levels = fold(backbone).to(dtype)(image().to(dtype))
    for level, plain, exact in zip(levels, rough, truth):
        assert level.dtype == dtype
        assert (level - exact).std() < 1.5 * (plain - exact).std()


def test_folding_keeps_the_type():
    folded = fold(small().bfloat16())
    assert {p.dtype for p in folded.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    'given, error, message',
    [
        (lambda: small().train(), ValueError, r'in training mode .* call \.eval\(\) first'),
        (lambda: fold(small()), ValueError, 'folded already'),
        (lambda: nn.Conv2d(3, 8, 3), TypeError, 'takes a backbone of this package.*got a Conv2d'),
        (lambda: small, TypeError, 'takes a backbone of this package.*got a function'),
    ],
)
def test_refusals(given, error, message):
    with pytest.raises(error, match=message):
        fold(given())


def test_one_norm_in_training_mode():
    backbone = small()
    backbone.stages[1].blocks[0].norm2.train()
    with pytest.raises(ValueError, match='training mode'):
        fold(backbone)


class Model(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        return self.head(self.backbone(x)[0])


def test_fold_model():
    model = Model(small()).eval()
    backbone = model.backbone
    with torch.inference_mode():
        before = model(image())
        assert fold_model(model) is model
        assert furthest([model(image())], [before]) < FLOAT32
    assert isinstance(model.backbone, FoldedBackbone)
    assert isinstance(backbone, UniFormer)
    with pytest.raises(ValueError, match='for inference'):
        model.train()
    with pytest.raises(ValueError, match='folded already'):
        fold_model(model)


@pytest.mark.parametrize(
    'model, got', [(nn.Linear(2, 2), 'Linear'), (Model(nn.Conv2d(3, 16, 1)), 'Conv2d')]
)
def test_models_with_other_backbones(model, got):
    with pytest.raises(TypeError, match=f'got a {got}'):
        fold_model(model)


@pytest.mark.parametrize('kernel', [1, 3, 5, 7])
def test_residual_convolution(kernel):
    layer = ResidualDWConv(6, kernel)
    x = torch.randn(2, 6, 9, 11)
    conv = nn.Conv2d(6, 6, kernel, padding=kernel // 2, groups=6)
    conv.load_state_dict(layer.state_dict())
    assert torch.equal(layer(x), x + conv(x))
    assert list(layer.state_dict()) == ['weight', 'bias']


def test_a_norm_before_a_padded_convolution_is_refused():
    pair = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1)).eval()
    with pytest.raises(TypeError, match='no plain 1x1 convolution'):
        fold_into(pair, '1', before=['0'])


def test_unknown_modules_are_no_affine():
    with pytest.raises(TypeError, match='ReLU is not known to scale and shift'):
        affine_of(nn.ReLU())


def test_a_linear_layer_between_two_norms():
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.layer, self.last = (
                nn.BatchNorm1d(5),
                nn.Linear(5, 7),
                nn.BatchNorm1d(7),
            )

        def forward(self, x):
            return self.last(self.layer(self.first(x)))

    rows, x = randomise(Rows()).double().eval(), torch.randn(3, 5, dtype=torch.float64)
    with torch.no_grad():
        before = rows(x)
        fold_into(rows, 'layer', before=['first'], after=['last'])
        assert isinstance(rows.first, nn.Identity)
        assert isinstance(rows.last, nn.Identity)
        assert torch.allclose(rows(x), before)


@pytest.mark.parametrize('shape', [(5, 8), (2, 7, 8), (2, 3, 4, 8), (0, 7, 8)])
@pytest.mark.parametrize('bias', [True, False])
def test_linear_layers_as_convolutions(shape, bias):
    """The same numbers, of whatever shape and order in memory, and the same gradients."""
    linear = nn.Linear(8, 12, bias=bias)
    pointwise = by_onednn(linear)
    assert pointwise.weight is linear.weight
    for x in (torch.randn(shape), torch.randn(shape[::-1]).permute(*reversed(range(len(shape))))):
        torch.testing.assert_close(pointwise(x), linear(x))
    x = torch.randn(shape, requires_grad=True)
    (mine,), (other,) = (
        torch.autograd.grad(layer(x).square().sum(), [x]) for layer in (pointwise, linear)
    )
    torch.testing.assert_close(mine, other)
    with torch.autocast('cpu', torch.bfloat16):
        assert pointwise(x).dtype == torch.bfloat16
    assert pointwise.double()(x.double()).dtype == torch.float64


@pytest.mark.parametrize('family', ['Conformer', 'HRFormer'])
def test_nothing_is_overwritten_that_others_need(family):
    """Blocks that write into their input get one that is nobody else's."""
    backbone = build(*SMALL[family])
    folded = fold(backbone)
    x = image(96, 96)
    before = x.clone()
    given = []  # to a stage, and as it was then: it may be a level

    def keep(block, args):
        given.append((args[0], args[0].clone()))

    if family == 'Conformer':
        for stage in folded.body.stages[1:]:
            stage.blocks[0].register_forward_pre_hook(keep)
    with torch.inference_mode():
        levels = folded(x)
        assert furthest(levels, backbone(x)) < FLOAT32
    assert torch.equal(x, before)
    assert all(torch.equal(x, copy) for x, copy in given)
    x.requires_grad_()
    sum(level.square().mean() for level in folded(x)).backward()
    gradient, x.grad = x.grad, None
    sum(level.square().mean() for level in backbone(x)).backward()
    assert furthest([gradient], [x.grad]) < 1e-3


def test_sums_in_the_memory_of_the_branch():
    """Where it is as good as the sum's own, and without gradients."""
    x, add = torch.randn(2, 4, 5, 6), ResidualSum().add
    like, half = torch.randn(2, 4, 5, 6), torch.randn(2, 4, 5, 6, dtype=torch.bfloat16)
    other = torch.randn(2, 4, 5, 6).contiguous(memory_format=torch.channels_last)
    part = torch.randn(2, 4, 7, 6)[:, :, 1:6]
    for branch in (like, half, other, part):
        expected = x + branch
        before, given = x.clone(), branch.clone()
        assert torch.equal(add(x, branch), expected), 'with gradients'
        assert torch.equal(branch, given)
        with torch.no_grad():
            total = add(x, branch)
        assert torch.equal(total, expected)
        assert total.dtype == torch.float32
        assert torch.equal(x, before)
        assert (total.data_ptr() == branch.data_ptr()) == (branch is like)
