"""Batch norms of necks and heads: which go, which stay, and that outputs are the same."""

import copy

import pytest
import torch
from mmengine.model import Sequential
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrizations, spectral_norm

from hybrid_backbones.analysis.benchmark.networks import Whole, tensors
from hybrid_backbones.deploy import fold_model
from hybrid_backbones.deploy.folding.convolutions import fold_convolutions
from tests.configs.common import build_model, load
from tests.deploy.randomise import furthest, randomise
from tests.float64_detectors import nms_of_float64  # noqa: F401, a fixture

EXACT = 1e-10  # in float64, in standard deviations


def check(model, gone, x=None, call=None):
    """The norms that go are these, and the output stays."""
    model = randomise(model.eval()).double()
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64) if x is None else x
    call = call or model
    with torch.inference_mode():
        before = call(copy.deepcopy(x))
        assert fold_convolutions(model) == gone
        after = call(copy.deepcopy(x))
    as_levels = (lambda y: y) if isinstance(before, (list, tuple)) else (lambda y: [y])
    assert furthest(as_levels(after), as_levels(before)) < EXACT
    return model


def norms(model):
    return [name for name, module in model.named_modules() if isinstance(module, _BatchNorm)]


@pytest.mark.parametrize('kind', [nn.Sequential, Sequential])
@pytest.mark.parametrize(
    'conv',
    [
        lambda: nn.Conv2d(4, 6, 3, padding=1),
        lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode='reflect', bias=False),
        lambda: nn.Conv2d(4, 6, (1, 3), groups=2),
        lambda: nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, bias=False),
    ],
    ids=['bias', 'reflect', 'groups', 'transposed'],
)
@pytest.mark.parametrize('norm', [nn.BatchNorm2d, nn.SyncBatchNorm])
def test_sequences(kind, conv, norm):
    model = check(kind(nn.ReLU(), conv(), norm(6), nn.ReLU()), ['2'])
    assert not any(p.requires_grad for p in model[1].parameters())


def test_norms_without_weights():
    check(nn.Sequential(nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6, affine=False)), ['1'])


def test_the_type_of_the_weights_stays():
    pair = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)).eval().bfloat16()
    fold_convolutions(pair)
    assert {p.dtype for p in pair.parameters()} == {torch.bfloat16}


def hooked(conv):
    conv.register_forward_hook(lambda module, args, output: output * 2)
    return conv


def replaced(conv):
    forward = conv.forward
    conv.forward = lambda x: 2 * forward(x)
    return conv


class Twice(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


class Other(nn.Sequential):
    """Computes in another order than it holds."""

    def forward(self, x):
        return self[0](self[1](x))


def conv(channels=4):
    return nn.Conv2d(4, channels, 3, padding=1)


@pytest.mark.parametrize(
    'build',
    [
        lambda: nn.Sequential(hooked(conv()), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(conv(), hooked(nn.BatchNorm2d(4))),
        lambda: nn.Sequential(replaced(conv()), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(spectral_norm(conv()), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(parametrizations.spectral_norm(conv()), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(Twice(4, 4, 1), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(conv(), nn.BatchNorm2d(4, track_running_stats=False)),
        lambda: nn.Sequential(conv(), nn.InstanceNorm2d(4)),
        lambda: nn.Sequential(conv(), nn.GroupNorm(2, 4)),
        lambda: nn.Sequential(conv(), nn.ReLU(), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(nn.BatchNorm2d(4), conv()),
        lambda: nn.Sequential(
            nn.ConvTranspose2d(4, 4, 4, stride=2, groups=2), nn.BatchNorm2d(4)
        ),
        lambda: Other(conv(), nn.BatchNorm2d(4)),
        lambda: nn.ModuleList([conv(), nn.BatchNorm2d(4)]),
        lambda: replaced(nn.Sequential(conv(), nn.BatchNorm2d(4))),
        lambda: replaced(nn.Sequential(nn.Sequential(conv(), nn.BatchNorm2d(4)))),
    ],
)  # fmt: skip
def test_what_cannot_go_stays(build):
    model = build().eval()
    before = copy.deepcopy(model.state_dict())
    assert fold_convolutions(model) == []
    state = model.state_dict()
    assert state.keys() == before.keys()
    assert all(torch.equal(state[name], value) for name, value in before.items())


def test_what_mmengine_folds_at_each_call_stays():
    """Its function traces a module and reads the norms inside from there on."""
    evaluated = pytest.importorskip('mmengine.model.efficient_conv_bn_eval')
    model = nn.Sequential(
        nn.Sequential(nn.Sequential(conv(), nn.BatchNorm2d(4))),
        nn.Sequential(conv(), nn.BatchNorm2d(4)),
    )
    evaluated.turn_on_efficient_conv_bn_eval(model, '0')
    check(model, ['1.1'])


def test_training_mode_stays():
    model = nn.Sequential(conv(), nn.BatchNorm2d(4), conv(), nn.BatchNorm2d(4)).eval()
    model[1].train()
    assert fold_convolutions(model) == ['3']
    assert norms(model) == ['1']


def test_a_convolution_that_norms_share_stays():
    """Each level of RTMDet's head has norms of its own behind the same convolutions."""

    class Levels(nn.Module):
        def __init__(self):
            super().__init__()
            shared = conv()
            self.levels = nn.ModuleList(
                nn.Sequential(shared, nn.BatchNorm2d(4), conv(), nn.BatchNorm2d(4))
                for _ in range(2)
            )

        def forward(self, x):
            return [level(x) for level in self.levels]

    model = check(Levels(), ['levels.0.3', 'levels.1.3'])
    assert norms(model) == ['levels.0.1', 'levels.1.1']


def test_a_pair_that_is_called_often_or_held_often_goes_once():
    """RetinaNet's head is one for all levels."""

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair = nn.Sequential(conv(), nn.BatchNorm2d(4))
            self.same = self.pair

        def forward(self, x):
            return self.pair(self.same(x)), self.pair(x[..., :5])

    check(Head(), ['pair.1'])


def test_what_is_left_alone():
    model = nn.ModuleDict(dict(a=nn.Sequential(conv(), nn.BatchNorm2d(4))))
    model['b'] = copy.deepcopy(model['a'])
    assert fold_convolutions(model.eval(), leave=model['a']) == ['b.1']


class TestConvModule:
    """Of mmcv, with its options."""

    @pytest.fixture(autouse=True)
    def classes(self):
        cnn = pytest.importorskip('mmcv.cnn')
        self.module, self.separable = cnn.ConvModule, cnn.DepthwiseSeparableConvModule

    def build(self, **options):
        return self.module(4, 4, 3, **dict(dict(padding=1, norm_cfg=dict(type='BN')), **options))

    @pytest.mark.parametrize(
        'options',
        [
            dict(),
            dict(bias=True),
            dict(norm_cfg=dict(type='SyncBN', requires_grad=True)),
            dict(padding_mode='reflect'),
            dict(act_cfg=None, dilation=2, groups=2),
            dict(order=('act', 'conv', 'norm')),
            dict(conv_cfg=dict(type='Conv')),
            dict(conv_cfg=dict(type='deconv')),
            dict(efficient_conv_bn_eval=True),
        ],
        ids=str,
    )
    def test_goes(self, options):
        model = self.build(**options)
        check(model, ['bn'])
        assert model.with_norm
        assert isinstance(model.norm, nn.Identity)

    @pytest.mark.parametrize(
        'options',
        [
            dict(order=('norm', 'conv', 'act')),
            dict(order=('conv', 'act', 'norm')),
            dict(norm_cfg=dict(type='GN', num_groups=2)),
            dict(norm_cfg=dict(type='IN')),
            dict(norm_cfg=None),
            dict(with_spectral_norm=True),
            dict(conv_cfg=dict(type='ConvAWS')),
        ],
        ids=str,
    )
    def test_stays(self, options):
        check(self.build(**options), [])

    def test_a_subclass_stays(self):
        class Mine(self.module):
            def forward(self, x):
                return self.norm(self.conv(x) + x)

        check(Mine(4, 4, 3, padding=1, norm_cfg=dict(type='BN')), [])

    def test_separable(self):
        model = self.separable(4, 6, 3, padding=1, norm_cfg=dict(type='BN'))
        check(model, ['depthwise_conv.bn', 'pointwise_conv.bn'])


def test_heads_of_mmdet_that_are_not_as_they_look():
    """RTMDet's levels share convolutions, and TOOD's decomposition takes a ConvModule apart."""
    pytest.importorskip('mmdet')
    from hybrid_backbones.openmmlab.build import build_in_scope

    common = dict(num_classes=3, in_channels=8, feat_channels=8, stacked_convs=2)
    levels = [torch.randn(1, 8, size, size, dtype=torch.float64) for size in (8, 4)]
    rtmdet = build_in_scope(
        'mmdet',
        dict(
            type='RTMDetSepBNHead',
            **common,
            anchor_generator=dict(type='MlvlPointGenerator', offset=0, strides=[8, 16]),
            bbox_coder=dict(type='DistancePointBBoxCoder'),
            loss_cls=dict(type='QualityFocalLoss', use_sigmoid=True),
            loss_bbox=dict(type='GIoULoss'),
            norm_cfg=dict(type='BN'),
            exp_on_reg=False,
            with_objectness=False,
        ),
    )

    def flat(x):
        return [level for part in rtmdet(x) for level in part]

    assert len(norms(check(rtmdet, [], levels, flat))) == 8  # 2 levels, 2 branches of 2
    tood = build_in_scope(
        'mmdet',
        dict(
            type='TOODHead',
            **dict(common, stacked_convs=6),
            anchor_type='anchor_free',
            norm_cfg=dict(type='BN'),
            anchor_generator=dict(
                type='AnchorGenerator',
                ratios=[1.0],
                octave_base_scale=8,
                scales_per_octave=1,
                strides=[8, 16],
            ),
            bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
            loss_cls=dict(type='QualityFocalLoss', use_sigmoid=True, activated=True),
            train_cfg=None,
            test_cfg=None,
        ),
    )
    found = [f'inter_convs.{i}.bn' for i in range(6)]
    left = [f'{branch}_decomp.reduction_conv.bn' for branch in ('cls', 'reg')]

    def flat_tood(x):
        return [level for part in tood([level.float() for level in x]) for level in part]

    randomise(tood.eval())
    with torch.inference_mode():
        before = flat_tood(levels)
        assert fold_convolutions(tood) == found
        assert norms(tood) == left
        assert furthest(flat_tood(levels), before) < 1e-4


# What goes beside the backbone's: counted from the libraries' descriptions of the heads.
WHOLE = {
    'maskrcnn_uniformer_xxs_1x': 0,  # no norm in neck or heads
    'cascademaskrcnn_uniformer_s_3x': 3 * 4,  # stages, convolutions in each
    'retinanet_uniformer_xxs_1x': 0,
    'upernet_uniformer_xxs_160k_ade20k': 4 + 1 + 3 + 3 + 1 + 1,  # pools; FPN; auxiliary head
    'semanticfpn_uniformer_xxs_80k_ade20k': 1 + 1 + 2 + 3,  # one for each halving, at least one
    'topdown_uniformer_s_210e_coco_256x192': 3,  # transposed convolutions
    'ocr_hrformer_s_80k_cityscapes': 1 + 1 + 2 + 2 + 1 + 1 + 1,
}


@pytest.mark.usefixtures('nms_of_float64')
@pytest.mark.parametrize('name', WHOLE)
def test_whole_models(name):
    """In float64 nothing but rounding may tell a folded model; so in float32."""
    for library in ('mmdet', 'mmseg', 'mmpose'):
        pytest.importorskip(library)
    cfg = load(name)
    cfg.model.backbone.init_cfg = None
    tries = [(torch.float64, 1e-8)]
    if 'rpn' in (cfg.model.get('test_cfg') or {}):
        cfg.model.test_cfg.rpn.max_per_img = 20  # regions, for time
    else:  # rounding may choose other regions
        tries.append((torch.float32, 1e-3))
    model = build_model(cfg)
    randomise(model.eval())
    whole = Whole(model, cfg.default_scope)
    image = torch.randn(1, 3, 64, 96)
    inside = set(norms(model.backbone))
    beside = len(norms(model)) - len(inside)
    assert beside == WHOLE[name]
    with torch.inference_mode():
        for dtype, tolerance in tries:
            twin = copy.deepcopy(model).to(dtype)
            whole.model = twin
            before = tensors(whole(image.to(dtype)))
            fold_model(twin)
            assert norms(twin) == []
            after = tensors(whole(image.to(dtype)))
            assert [a.shape for a in after] == [b.shape for b in before]
            assert furthest(after, before) < tolerance
