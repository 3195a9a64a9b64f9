"""What of a model's time goes to its parts: exact by a clock that the parts themselves move."""

import json
import math
from dataclasses import replace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import nn

from hybrid_backbones.analysis.benchmark.parts import (
    COLUMNS,
    measure_parts,
    parts_table,
    places,
    time_parts,
)
from hybrid_backbones.analysis.benchmark.pipeline import run_pipeline
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.analysis.benchmark.stopwatch import REST, Stopwatch
from hybrid_backbones.analysis.benchmark.training_parts import TrainingStep
from hybrid_backbones.errors import ConfigError
from tests.configs.common import load as load_config

DETECTOR = 'maskrcnn_uniformer_xxs_1x'


class Clock:
    """Binary fractions, so that sums are exact."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Slow(nn.Module):
    """Takes some seconds, and then does something."""

    def __init__(self, clock, seconds, then=lambda x: x):
        super().__init__()
        self.clock, self.seconds, self.then = clock, seconds, then

    def forward(self, x):
        self.clock.now += self.seconds
        return self.then(x)


class Head(Slow):
    """Entered by ``predict``; its own call inside, and results behind it."""

    def predict(self, x):
        self.clock.now += 0.25
        return self.predict_by_feat(self.forward(self(x)))

    def predict_by_feat(self, x):
        self.clock.now += 2
        return x


class RoIHead(Head):
    """Boxes, and masks."""

    def predict(self, x):
        return self.predict_mask(super().predict(x))

    def predict_mask(self, x):
        self.clock.now += 16
        return self.predict_by_feat(x)


class Model(nn.Module):
    """A detector of seconds."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.data_preprocessor = Slow(clock, 0.5)
        self.backbone = Slow(clock, 4)
        self.neck = Slow(clock, 1, self.look_again)  # asks the backbone once more
        self.rpn_head = Head(clock, 8)
        self.roi_head = RoIHead(clock, 32)
        self.stages = nn.ModuleList([Slow(clock, 64), Slow(clock, 128)])

    def look_again(self, x):
        self.clock.now += 0.125
        return self.backbone(x)

    def add_pred_to_datasample(self, x):
        self.clock.now += 1
        return x

    def prepare(self):
        self.clock.now += 1000  # is not to be counted

    def __call__(self):
        x = self.neck(self.backbone(self.data_preprocessor(0)))
        self.clock.now += 256
        x = self.roi_head.predict(self.rpn_head.predict(x))
        for stage in self.stages:
            x = stage(x)
        return self.add_pred_to_datasample(x)


PARTS = dict(
    data_preprocessor=(0.5, 1),
    backbone=(4 + 4, 2),
    neck=(1 + 0.125, 1),
    rpn_head=(0.25 + 8 + 8, 1),
    proposals=(2, 1),
    roi_head=(0.25 + 32 + 32, 1),
    mask_head=(16, 1),
    stages=(64 + 128, 2),
    rest=(256, 1),
)
PARTS['post-processing'] = (2 + 2 + 1, 3)


def test_each_moment_is_one_parts():
    """Nested calls are counted once, in the innermost part, and all parts are the whole."""
    clock = Clock()
    model = Model(clock)
    result = time_parts(model, places(model, 'mmdet'), repeats=3, warmup=1, clock=clock)
    assert {n: (p['seconds'], p['calls']) for n, p in result['parts'].items()} == PARTS
    whole = sum(seconds for seconds, _ in PARTS.values())
    assert result['seconds'] == dict(of_parts=whole, median=whole, p95=whole, all=[whole] * 3)
    assert list(result['parts'])[-1] == REST
    assert sum(part['share'] for part in result['parts'].values()) == pytest.approx(1)


def test_nothing_is_left_behind():
    model = Model(Clock())
    before = {id(module): dict(vars(module)) for module in model.modules()}
    time_parts(model, places(model, 'mmdet'), 1, 0, model.clock)
    assert all(vars(module) == before[id(module)] for module in model.modules())


def test_the_call_whose_time_is_the_median():
    """Its parts add up; the parts' own medians need not."""
    clock = Clock()
    left, right = Slow(clock, 0), Slow(clock, 0)
    turns = iter([(9, 9), (1, 8), (8, 2), (4, 8), (16, 16)])  # 18, 9, 10, 12, 32

    class Step:
        def prepare(self):
            left.seconds, right.seconds = next(turns)

        def __call__(self):
            right(left(0))

    where = [(left, 'forward', 'left'), (right, 'forward', 'right')]
    result = time_parts(Step(), where, repeats=4, warmup=1, clock=clock)
    assert result['seconds']['all'] == [9, 10, 12, 32]
    assert result['seconds']['of_parts'] == 10  # the shorter of the two in the middle
    assert result['seconds']['median'] == 11
    parts = result['parts']
    assert (parts['left']['seconds'], parts['right']['seconds']) == (8, 2)
    turns = iter([(9, 9), (1, 8), (8, 2), (4, 8), (16, 16)])
    result = time_parts(Step(), where, repeats=4, warmup=1, clock=clock, limit=15)
    assert result['seconds']['all'] == [9, 10]  # then there is no time left
    assert result['seconds']['of_parts'] == 9
    assert (parts['left']['median'], parts['right']['median']) == (6, 8)
    assert parts['left']['all'] == [1, 8, 4, 16]


def test_errors_leave_the_methods_as_they_were():
    clock = Clock()
    layer = Slow(clock, 1, then=lambda x: 1 / x)
    watch = Stopwatch(clock)
    with pytest.raises(ZeroDivisionError):
        with watch.watching([(layer, 'forward', 'layer')]):
            watch.time(lambda: layer(0))
    assert 'forward' not in vars(layer)


def test_compiled_modules():
    """The time is outside of what is compiled: nothing breaks its graph."""
    clock = Clock()
    watch, layer = Stopwatch(clock), nn.Linear(2, 2)
    graphs = []

    def backend(graph, examples):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(layer, backend=backend, fullgraph=True)
    with watch.watching([(compiled, 'forward', 'layer')]), torch.no_grad():
        watch.time(lambda: compiled(torch.ones(1, 2)))
    assert watch.calls['layer'] == len(graphs) == 1
    assert 'forward' not in vars(layer)


TINY = dict(size=(64, 96), threads=1, repeats=2, memory=False)
EACH = ['data_preprocessor', 'backbone', 'neck']


@pytest.mark.parametrize(
    'name, changes, parts, twice',
    [
        (
            'retinanet_uniformer_xxs_1x',
            dict(mode='folded'),
            [*EACH, 'bbox_head', 'post-processing'],
            None,
        ),
        (
            'semanticfpn_uniformer_xxs_80k_ade20k',
            dict(memory_format='channels_last', batch=2),
            [*EACH, 'decode_head', 'post-processing'],
            None,
        ),
        (
            'semanticfpn_uniformer_xxs_80k_ade20k',
            dict(
                options={'model.test_cfg': dict(mode='slide', crop_size=(64, 64), stride=(32, 32))}
            ),
            [*EACH, 'decode_head', 'post-processing'],
            'backbone',  # two windows
        ),
        (
            'ocr_hrformer_s_80k_cityscapes',
            dict(),
            ['data_preprocessor', 'backbone', 'decode_head', 'post-processing'],
            None,
        ),
        (
            'topdown_hrformer_t_210e_coco_256x192',
            dict(size=(256, 192)),
            ['data_preprocessor', 'backbone', 'head', 'post-processing'],
            'backbone',  # the image and its mirror image
        ),
        (
            'classifier_uniformer_xxs_600e_imagenet',
            dict(dtype='bfloat16'),
            ['data_preprocessor', 'backbone', 'head'],
            None,
        ),
    ],
)
def test_whole_models(name, changes, parts, twice):
    for library in ('mmdet', 'mmseg', 'mmpose', 'mmpretrain'):
        pytest.importorskip(library)
    result = measure_parts(Settings(name, **{**TINY, **changes}))
    assert json.loads(json.dumps(result)).keys() == result.keys()
    found = result['parts']
    assert set(found) == {*parts, REST}
    for turn, whole in enumerate(result['seconds']['all']):
        assert sum(part['all'][turn] for part in found.values()) == pytest.approx(whole)
    assert all(part['seconds'] > 0 for part in found.values())
    assert found['backbone']['calls'] == (2 if twice == 'backbone' else 1)
    assert found['backbone']['share'] > 0.02
    assert found[REST]['share'] < 0.5


def test_two_stages():
    """So many regions as the config's test settings allow, and a mask for each detection."""
    pytest.importorskip('mmdet')
    options = {'model.test_cfg.rpn.max_per_img': 30, 'model.test_cfg.rcnn.max_per_img': 7}
    result = measure_parts(Settings(DETECTOR, options=options, **TINY))
    regions = result['regions']
    threshold = regions['score_threshold']
    assert regions == dict(proposals=30, detections=7, masks=7, score_threshold=threshold)
    assert 0 < threshold < 0.05  # the config's own: nothing would pass
    assert set(result['parts']) == {
        *EACH,
        *('rpn_head', 'proposals', 'roi_head', 'mask_head', 'post-processing', REST),
    }
    text = parts_table([result])
    assert '30 proposals, 7 detections, 7 masks' in text
    assert f'`score_thr` is {threshold:.4f}' in text


def test_candidates():
    """As many boxes as proposals pass the threshold, but the one that it is."""
    pytest.importorskip('mmdet')
    from hybrid_backbones.analysis.benchmark.regions import pin_candidates

    logits = torch.randn(2, 6, 5).double()

    class BoxHead:
        def predict_by_feat(self, rois, cls_scores):
            return cls_scores

    class Heads(nn.Module):
        with_bbox = True
        test_cfg = dict(score_thr=0.05)

        def __init__(self):
            super().__init__()
            self.bbox_head = BoxHead()

    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.roi_head = Heads()

        def prepare(self):
            pass

        def __call__(self):
            return self.roi_head.bbox_head.predict_by_feat(rois=None, cls_scores=tuple(logits))

    model = Detector()
    threshold = pin_candidates(model, model)
    assert model.roi_head.test_cfg == dict(score_thr=threshold)
    scores = logits.float().softmax(-1)[..., :-1]  # the last is the background
    assert (scores > threshold).sum() == 12 - 1
    assert vars(model.roi_head.bbox_head) == {}
    assert pin_candidates(nn.Linear(1, 1), None) is None


PHOTOGRAPH = dict(TINY, size=(48, 64), what='training')
STEP = ['backward', 'optimizer', REST]


@pytest.mark.parametrize(
    'name, options, parts, image',
    [
        (
            DETECTOR,
            {
                'train_dataloader.dataset.pipeline.2.scale': (96, 64),
                'model.train_cfg.rcnn.sampler.num': 16,  # regions, for time
            },
            [*EACH, 'rpn_head', 'proposals', 'roi_head', 'mask_head'],
            [64, 96],  # 85, the shorter side being the limit, padded to a multiple of 32
        ),
        (
            'upernet_uniformer_xxs_160k_ade20k',
            {
                'train_dataloader.dataset.pipeline.3.crop_size': (48, 48),
                'model.data_preprocessor.size': (64, 64),  # to which it is padded
            },
            ['data_preprocessor', 'backbone', 'decode_head', 'auxiliary_head'],
            [64, 64],
        ),
        (
            'topdown_hrformer_t_210e_coco_256x192',
            {},
            ['data_preprocessor', 'backbone', 'head'],
            [256, 192],
        ),
        (
            'classifier_uniformer_xxs_600e_imagenet',
            {'train_dataloader.dataset.pipeline.1.scale': 64},
            ['data_preprocessor', 'backbone', 'head', 'loss_module'],
            [64, 64],
        ),
    ],
)
def test_training(name, options, parts, image):
    for library in ('mmdet', 'mmseg', 'mmpose', 'mmpretrain'):
        pytest.importorskip(library)
    result = measure_parts(Settings(name, options=options, batch=2, **PHOTOGRAPH))
    assert json.loads(json.dumps(result)).keys() == result.keys()
    found = result['parts']
    assert set(found) == {*parts, *STEP}
    for turn, whole in enumerate(result['seconds']['all']):
        assert sum(part['all'][turn] for part in found.values()) == pytest.approx(whole)
    assert found['backbone']['calls'] == found['backward']['calls'] == 1
    loading = result['pipeline']
    assert loading['image'] == image
    assert len(loading['all']) == 2
    share = loading['median'] / (result['seconds']['median'] / 2)
    assert loading['workers'] == math.ceil(share)
    text = parts_table([result])
    assert f'trains on images of {image[0]}x{image[1]}; its pipeline' in text
    assert 'from a photograph of 48x64' in text
    assert f'| 2x3x{image[0]}x{image[1]} |' in text


class Steps(BaseModel):
    """A model of one weight, and how often it was asked."""

    def __init__(self, clock):
        super().__init__(None)
        self.weight = nn.Parameter(torch.ones(1))
        self.backbone = Slow(clock, 4)
        self.types = []

    def forward(self, inputs, data_samples=None, mode='loss'):
        x = self.backbone(self.weight @ torch.ones(1, 1))
        self.types.append(x.dtype)
        return dict(loss=(x * 3).sum())


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_training_step(dtype):
    """The config's optimizer and clipping, for as many steps as calls; autocast but no scaler."""
    pytest.importorskip('mmdet')
    clock = Clock()
    optimizer = dict(type='SGD', lr=0.5)
    wrapper = dict(
        type='AmpOptimWrapper',
        optimizer=optimizer,
        clip_grad=dict(max_norm=1.0),
        accumulative_counts=4,
        loss_scale='dynamic',
    )
    model = Steps(clock)
    cfg = Config(dict(optim_wrapper=wrapper))
    step = TrainingStep(model, 'mmdet', cfg, dict(inputs=[]), dtype, 'cpu')
    where = places(model, 'mmdet') + step.places()
    result = time_parts(step, where, repeats=2, warmup=1, clock=clock)
    assert result['parts']['backbone']['seconds'] == 4
    assert {'backward', 'optimizer'} <= set(result['parts'])
    # three steps along a gradient of 3 that is clipped to 1
    torch.testing.assert_close(model.weight.detach(), torch.tensor([1 - 3 * 0.5]))
    assert set(model.types) == {dtype}


def test_the_pipeline_alone():
    """Only the pipeline is in its time, and the first photograph is none of them."""
    pytest.importorskip('mmpretrain')
    pytest.importorskip('mmcv')
    cfg = load_config('classifier_uniformer_xxs_600e_imagenet')
    ticks = iter(range(100))
    _, loading = run_pipeline('mmpretrain', cfg, (48, 64), 1, 3, lambda: float(next(ticks)) ** 2)
    # read before each, and behind each but the first: 0; 1, 2; 3, 4; 5, 6
    assert loading['all'] == [3, 7, 11]
    assert loading['median'] == 7


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(optim_wrapper=None), 'no optim_wrapper'),
        (dict(optim_wrapper=dict(optimizer=dict(type='Gone'))), 'optimizer .* cannot be built'),
    ],
)
def test_configs_that_do_not_train(changes, message):
    pytest.importorskip('mmdet')
    with pytest.raises(ConfigError, match=message):
        TrainingStep(Steps(Clock()), 'mmdet', Config(changes), {}, torch.float32, 'cpu')


@pytest.mark.parametrize(
    'pipeline, message',
    [
        (None, 'no pipeline in `train_dataloader.dataset`'),
        ([dict(type='Mosaic')], 'does not take one drawn photograph'),
    ],
)
def test_pipelines_that_cannot_be_run(pipeline, message):
    """Some mix several images."""
    pytest.importorskip('mmdet')
    dataset = dict(type='CocoDataset', pipeline=pipeline)
    cfg = Config(dict(default_scope='mmdet', train_dataloader=dict(dataset=dataset)))
    with pytest.raises(ConfigError, match=message):
        run_pipeline('mmdet', cfg, (48, 64), 1, 1, Clock())


@pytest.mark.parametrize(
    'settings, message',
    [
        (Settings('hrformer_tiny', **TINY), 'hrformer_tiny is no config'),
        (Settings(DETECTOR, against='resnet50', **TINY), 'leave out `against`'),
        (Settings(DETECTOR, mode='onnxruntime', **TINY), 'in torch, not in `mode=onnxruntime`'),
        (Settings(DETECTOR, **{**TINY, 'size': (16, 64)}), 'at least 32x32'),
        (
            Settings('topdown_hrformer_t_210e_coco_256x192', **TINY),
            'use `size=256x192`, not 64x96',
        ),
    ],
)
def test_refusals(settings, message):
    for library in ('mmdet', 'mmpose'):
        pytest.importorskip(library)
    with pytest.raises(ConfigError) as refusal:
        measure_parts(settings)
    assert message in str(refusal.value)


def test_table():
    clock = Clock()
    model = Model(clock)
    timed = time_parts(model, places(model, 'mmdet'), 1, 0, clock)
    settings = vars(replace(Settings(DETECTOR, **TINY)))
    lines = parts_table([dict(timed, settings=settings, regions=None, pipeline=None)]).splitlines()
    assert len(lines) == 2 + len(PARTS) + 1
    assert lines[0].count('|') == len(COLUMNS) + 1
    whole = sum(seconds for seconds, _ in PARTS.values())
    assert lines[3] == (
        f'| `{DETECTOR}` | inference | 1x3x64x96 | float32 | eager | contiguous | backbone | 2 '
        f'| 8000.0 ms | {8 / whole:.1%} | 8000.0 ms |'
    )
    assert f'| **all** | 1 | {1000 * whole:.1f} ms | 100.0% |' in lines[-1]


def test_command(command, tmp_path):
    pytest.importorskip('mmseg')
    quick = ['--threads', '1', '--repeats', '1', '--size', '64x64']
    name = 'semanticfpn_uniformer_xxs_80k_ade20k'
    done = command('benchmark', name, '--parts', *quick, '--json', 'parts.json')
    assert '| decode_head |' in done.out
    (result,) = json.loads((tmp_path / 'parts.json').read_text(encoding='utf-8'))['results']
    assert result['settings']['network'] == name
    assert result['parts']['backbone']['seconds'] > 0
    refused = command('benchmark', name, '--parts', '--csv', 'parts.csv')
    assert 'has a table of its own' in refused.refusal
