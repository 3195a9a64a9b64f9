"""Measuring speed: exact where a clock is injected, plausible where it is the real one."""

import csv
import json
import os
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from hybrid_backbones.analysis.benchmark import settings as bench_settings
from hybrid_backbones.analysis.benchmark import timing as bench_timing
from hybrid_backbones.analysis.benchmark.measure import Costs, measure, report, table
from hybrid_backbones.analysis.benchmark.networks import build_network, matching, tensors
from hybrid_backbones.analysis.benchmark.peak_memory import peak_memory
from hybrid_backbones.analysis.benchmark.settings import Settings, from_dict, make_ready
from hybrid_backbones.analysis.benchmark.timing import (
    Step,
    Times,
    alternate,
    pairwise_ratios,
)
from hybrid_backbones.analysis.benchmark.timm_csv import timm_csv
from hybrid_backbones.complexity import count_flops
from hybrid_backbones.errors import ConfigError
from tests.tools.commands import PROJECT, complaint, run, tool

TINY = dict(network='hrformer_tiny', size=(64, 96), threads=1, repeats=2, memory=False)


class Scripted:
    """A clock, and steps that take the seconds they are told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def step(self, seconds):
        return ScriptedStep(self, list(seconds))


class ScriptedStep:
    def __init__(self, clock, seconds):
        self.clock = clock
        self.seconds = seconds

    def prepare(self):
        self.clock.now += 1000  # is not to be counted

    def __call__(self):
        self.clock.now += self.seconds.pop(0)


def test_statistics():
    assert Times((3.0, 1.0, 2.0)).median == 2.0
    assert Times((4.0, 1.0, 2.0, 3.0)).median == 2.5
    assert Times((3.0, 1.0, 2.0)).p95 == 3.0
    assert Times(tuple(range(1, 101))).p95 == 95


def test_turns():
    """Both slow down in the last turn: the ratios do not."""
    clock = Scripted()
    steps = dict(a=clock.step([64, 2, 4, 16]), b=clock.step([64, 1, 2, 4]))
    times, order = alternate(steps, repeats=3, warmup=1, clock=clock)
    assert order == ['a', 'b', 'a', 'b', 'a', 'b']
    assert times['a'] == Times((2, 4, 16))
    assert times['b'] == Times((1, 2, 4))
    assert pairwise_ratios(times['a'], times['b']) == (2, 2, 4)


def test_no_more_turns_than_there_is_time_for():
    """Two at least; of warm-up calls the time is not looked at."""
    for limit, turns in ((1, 2), (9, 2), (10, 3), (100, 4)):
        clock = Scripted()
        steps = dict(a=clock.step([64, 1, 2, 3, 4]), b=clock.step([64, 2, 4, 6, 8]))
        times, _ = alternate(steps, repeats=4, warmup=1, clock=clock, limit=limit)
        assert times['a'] == Times((1, 2, 3, 4)[:turns])
        assert times['b'] == Times((2, 4, 6, 8)[:turns])


class Two(nn.Module):
    """Two levels, in a dict and a tuple."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return {'levels': (self.conv(x), self.conv(x)[..., ::2]), 'name': 'two'}


def test_training_step_leaves_gradients():
    image = torch.randn(1, 3, 8, 8)
    module = Two()
    step = Step(module, image, training=True)
    step()
    once = module.conv.weight.grad.clone()
    sum(x.square().mean() for x in tensors(Two.forward(module, image))).backward()
    torch.testing.assert_close(module.conv.weight.grad, 2 * once)
    step.prepare()
    assert module.conv.weight.grad is None
    step()
    torch.testing.assert_close(module.conv.weight.grad, once)
    step = Step(module, image, training=False)
    step.prepare()
    step()
    assert module.conv.weight.grad is None


def test_training_step_without_weights_that_learn():
    step = Step(Two().requires_grad_(False), torch.randn(1, 3, 8, 8), training=True)
    with pytest.raises(ConfigError, match='`what=training`: all weights are frozen'):
        step()


def check_schema(result):
    """Positive numbers that fit together, and JSON's types only."""
    assert json.loads(json.dumps(result)).keys() == result.keys()
    for key in ('params', 'gmacs', 'gflops_per_second', 'matmul_gflops_per_second', 'share'):
        assert result[key] > 0, key
    seconds = result['seconds']
    assert 0 < seconds['median'] <= seconds['p95'] == max(seconds['all'])
    assert len(seconds['all']) == result['settings']['repeats']
    speed = 2 * result['gmacs'] / seconds['median']
    assert result['gflops_per_second'] == pytest.approx(speed)
    assert result['share'] == pytest.approx(speed / result['matmul_gflops_per_second'])
    images = result['settings']['batch'] / seconds['median']
    assert result['images_per_second'] == pytest.approx(images)
    assert result['versions']['torch'] == version('torch')
    assert result['machine']


def test_inference_against_itself():
    settings = Settings(**TINY, batch=2, against='hrformer_tiny')
    result = measure(settings)
    check_schema(result)
    backbone = build_network('hrformer_tiny').holder.backbone
    assert result['gmacs'] * 1e9 == 2 * count_flops(backbone, 64, 96)
    assert result['params'] == sum(p.numel() for p in backbone.parameters())
    assert result['memory_gib'] is None
    assert result['order'] == ['network', 'against'] * 2
    against = result['against']
    assert against['ratio'] == pytest.approx(sum(against['ratios']) / 2)
    ratios = [a / b for a, b in zip(result['seconds']['all'], against['seconds']['all'])]
    assert against['ratios'] == ratios
    assert from_dict(json.loads(json.dumps(result['settings']))) == settings


def test_training():
    inference, training = (measure(Settings(**TINY, what=what)) for what in bench_settings.WHATS)
    check_schema(training)
    assert training['gmacs'] == pytest.approx(3 * inference['gmacs'])
    assert training['against'] is None


@pytest.mark.parametrize('what', bench_settings.WHATS)
def test_memory_of_a_fresh_process(what):
    """Training holds what inference does, and gradients: weights alone are 0.03 GiB."""
    ballast = torch.zeros(2**28)  # 1 GiB here is none of the child's
    memory = peak_memory(Settings(**{**TINY, 'size': (256, 256)}, what=what))
    assert ballast.numel()
    assert 0.05 < memory['before'] < memory['peak'] < 1
    assert memory['growth'] == pytest.approx(memory['peak'] - memory['before'])
    assert memory['growth'] > (0.1 if what == 'training' else 0.01)


def test_memory_that_cannot_be_measured():
    with pytest.raises(
        ConfigError, match=r"memory of hrformer_gone could not .* no network 'hrformer_gone'"
    ):
        peak_memory(Settings(**{**TINY, 'network': 'hrformer_gone'}))


def test_folded_and_compiled(monkeypatch):
    """Each is done once, folding first."""
    done = []

    def change(name, module, **options):
        done.append((name, type(module).__name__, module.training))
        return module

    deploy = ModuleType('hybrid_backbones.deploy')
    deploy.fold_model = lambda model: change('fold', model.backbone)
    monkeypatch.setitem(sys.modules, 'hybrid_backbones.deploy', deploy)
    monkeypatch.setattr(torch, 'compile', lambda module, dynamic: change('compile', module))
    settings = Settings(**TINY, mode='folded+compiled', against='hrformer_tiny')
    check_schema(measure(settings))
    assert done == [('fold', 'HRFormer', False), ('compile', 'HRFormer', False)]


@pytest.mark.parametrize('mode', bench_settings.MODES[1:])
def test_only_ours_are_folded_and_compiled(mode):
    pytest.importorskip('mmdet')
    with pytest.raises(ConfigError, match='built-in backbones'):
        make_ready(Settings(**{**TINY, 'network': 'resnet50'}, mode=mode))


def test_types_and_formats():
    module, image = make_ready(Settings(**TINY, dtype='bfloat16', memory_format='channels_last'))
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert {p.dtype for p in module.parameters()} == {torch.bfloat16} == {image.dtype}
    with torch.inference_mode():
        assert {level.dtype for level in module(image)} == {torch.bfloat16}


def test_whole_models_with_channels_last():
    """Operators of mmcv get contiguous maps; a backbone alone returns such levels as always."""
    pytest.importorskip('mmdet')
    given = dict(memory_format='channels_last', size=(64, 96), threads=1, memory=False)
    module, image = make_ready(Settings('maskrcnn_uniformer_xxs_1x', **given))
    seen = []
    extractor = module.model.roi_head.bbox_roi_extractor
    extractor.register_forward_pre_hook(lambda module, args: seen.append(('extractor', args[0][0])))
    layer = extractor.roi_layers[0]
    layer.register_forward_pre_hook(lambda module, args: seen.append(('layer', args[0])))
    with torch.inference_mode():
        module(image)
        assert not module.model.backbone(image)[0].is_contiguous()
        alone, image = make_ready(Settings('uniformer_xxs', **given))
        assert all(level.is_contiguous() for level in alone(image))
    assert {(name, x.is_contiguous()) for name, x in seen} == {
        ('extractor', False),
        ('layer', True),
    }


def test_names():
    """Names of backbones and the configs' aliases; options are the backbone's."""
    assert type(build_network('uniformer_xxs').holder.backbone).__name__ == 'UniFormer'
    options = dict(out_indices=[0, 1])
    backbone = build_network('hrformer_t', options).holder.backbone
    assert backbone.out_indices == (0, 1)
    assert backbone.out_channels == build_network('hrformer_tiny').holder.backbone.out_channels[:2]
    with pytest.raises(ConfigError, match=r"'uniformer_smal'; close: .*uniformer_small"):
        build_network('uniformer_smal')


@pytest.mark.parametrize('name', ['resnet50', 'mmpose:HRFormer-small'])
def test_others(name):
    pytest.importorskip('mmdet' if name == 'resnet50' else 'mmpose')
    network = build_network(name)
    assert network.holder is None
    assert network.flops(64, 96) > 1e8
    with torch.inference_mode():
        assert tensors(network.module(torch.randn(1, 3, 64, 96)))
    with pytest.raises(ConfigError, match='takes no options'):
        build_network(name, dict(depth=18))


@pytest.mark.parametrize(
    'name',
    [
        'retinanet_transxnet_t_1x',
        'semanticfpn_hrformer_t_80k_ade20k',
        'topdown_hrformer_t_210e_coco_256x192',
    ],
)
def test_whole_models(name):
    for library in ('mmdet', 'mmseg', 'mmpose'):
        pytest.importorskip(library)
    options = {'model.backbone.with_cp': True}
    network = build_network(name, options)
    assert network.holder.backbone.with_cp is True
    with torch.inference_mode():
        assert tensors(network.module.eval()(torch.randn(2, 3, 64, 96)))
    assert network.flops(64, 96) > count_flops(network.holder.backbone, 64, 96)


def made_up(settings, ratio):
    return dict(
        settings=json.loads(json.dumps(asdict(settings))),
        seconds=dict(median=0.25, p95=0.3, all=[0.25, 0.3]),
        params=8_000_000,
        images_per_second=settings.batch / 0.25,
        gmacs=5.0,
        activations=12_340_000,
        gflops_per_second=40.0,
        share=0.5,
        memory_gib=dict(before=0.5, peak=1.25, growth=0.75),
        against=dict(network='resnet50', ratio=ratio, seconds=dict(median=0.25 / ratio)),
        machine='Some CPU',
        versions={'torch': '2.13.0'},
        date='2026-01-31',
    )


def test_version_of_the_reference():
    """Whose network it is, if that is told; a config's library is known by another name."""
    costs, times = Costs(1, 1, 1), {'network': Times((1.0,)), 'against': Times((1.0,))}

    def versions(against):
        settings = Settings(**TINY, against=against)
        return report(settings, costs, times, [], 1.0, None)['versions']

    assert versions('pytest:cvt-13')['pytest'] == version('pytest')
    assert versions('resnet50') == versions('mmseg::fcn.py') == versions('gone:cvt-13')


def test_table():
    result = made_up(Settings(**TINY, options=dict(window_size=7), against='resnet50'), 2.0)
    lines = table([result]).splitlines()
    assert len(lines) == 3
    assert len({line.count('|') for line in lines}) == 1
    assert lines[2] == (
        '| `hrformer_tiny` window_size=7 | inference | 1x3x64x96 | float32 | eager | contiguous '
        '| 250.0 ms | 300.0 ms | 4 | 5.0 | 40.0 | 50% | 0.50 -> 1.25 GiB | 2.00 x `resnet50` |'
    )


def test_timm_csv():
    """Its columns; the fastest network first; of one image what timm gives of one."""
    slow = made_up(Settings('hrformer_tiny', batch=2, size=(224, 224)), 1.0)
    fast = made_up(Settings('cvt_13', batch=8, size=(224, 384)), 1.0)
    assert list(csv.DictReader(timm_csv([slow, fast]).splitlines())) == [
        dict(
            model=name,
            infer_samples_per_sec=images,
            infer_step_time='250.0',
            infer_batch_size=batch,
            infer_img_size=size,
            infer_gmacs=gmacs,
            infer_macts='12.34',
            param_count='8.0',
        )
        for name, images, batch, size, gmacs in (
            ('cvt_13', '32.0', '8', '224x384', '0.62'),
            ('hrformer_tiny', '8.0', '2', '224', '2.5'),
        )
    ]
    training = made_up(Settings('cvt_13', what='training'), 1.0)
    columns = 'model,train_samples_per_sec,train_step_time,train_batch_size,train_img_size'
    assert timm_csv([training]).splitlines()[0] == f'{columns},param_count'
    with pytest.raises(ConfigError, match='files of their own'):
        timm_csv([slow, training])


def test_patterns():
    assert matching(['cvt_13', 'hrformer_?', 'a.py']) == ['cvt_13', 'hrformer_?', 'a.py']
    sizes = ('tiny', 'small', 'base')
    assert set(matching(['hrformer_*'])) == {f'hrformer_{size}' for size in sizes}
    assert len(matching(['*'])) == 27
    with pytest.raises(ConfigError, match="no backbone matches 'vit_\\*'"):
        matching(['vit_*'])


def test_tool(tmp_path):
    """From anywhere; a table on the screen, all numbers in the file."""
    sizes = ['--size', '32x32', '64x32']
    quick = ['--threads', '1', '--repeats', '1', '--no-memory']
    options = ['--options', 'out_indices=(0,1)', 'window_size=5']
    result = tool(
        tmp_path,
        *('benchmark', 'hrformer_t', *sizes, *quick, *options),
        *('--json', 'a/b.json', '--csv', 'a/b.csv'),
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert '`hrformer_t` out_indices=[0, 1] window_size=5' in lines[2].replace('(0, 1)', '[0, 1]')
    assert len(Path(tmp_path, 'a', 'b.csv').read_text(encoding='utf-8').splitlines()) == 3
    content = json.loads(Path(tmp_path, 'a', 'b.json').read_text(encoding='utf-8'))
    assert 'hrformer_t --size 32x32 64x32' in content['command']
    assert [r['settings']['size'] for r in content['results']] == [[32, 32], [64, 32]]


@pytest.mark.parametrize(
    'arguments, parts',
    [
        (['hrformer_tin'], ["no network 'hrformer_tin'", 'hrformer_tiny']),
        (['hrformer_tiny', '--size', '64'], ['--size', 'HEIGHTxWIDTH', "'64'"]),
        (['hrformer_tiny', '--batch', '0'], ['--batch', 'at least 1']),
    ],
)
def test_refusals_of_the_tool(command, tmp_path, arguments, parts):
    line = command('benchmark', *arguments).refusal
    for part in parts:
        assert part in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(network='unifomer_s'), r"no network 'unifomer_s'; close: .*uniformer_s"),
        (dict(network='gone.py'), 'no config file gone.py'),
        (dict(size=(16, 64)), '`size` must be at least 32x32 pixels, got 16x64'),
        (dict(options=dict(wrong=1)), "HRFormer has no option 'wrong'"),
        (dict(options=dict(out_indices=(7,))), 'out_indices'),
        (dict(mode='folded', what='training'), 'a folded network does not train'),
        (dict(against='gone'), "no network 'gone'"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ConfigError, match=message):
        measure(Settings(**{**TINY, **changes}))


@pytest.mark.parametrize('peer', ['transformers:cvt-13', 'mmpretrain:conformer-small-p32'])
def test_missing_peer(tmp_path, peer):
    package = peer.split(':')[0]
    Path(tmp_path, 'empty', package).mkdir(parents=True)
    broken = Path(tmp_path, 'empty', package, '__init__.py')
    broken.write_text(f'raise ImportError("No module named {package!r}")', encoding='utf-8')
    code = (
        'import runpy, sys; sys.path.insert(0, "empty"); '
        f'sys.argv = ["benchmark.py", {peer!r}]; '
        f'runpy.run_path({str(PROJECT / "tools" / "benchmark.py")!r}, run_name="__main__")'
    )
    line = complaint(run(tmp_path, sys.executable, '-c', code))
    assert f'{peer} needs a package that is not installed' in line
    assert package in line.partition(': No module')[2]


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu(command):
    assert 'no GPU' in command('benchmark', 'cvt_13', '--device', 'cuda').refusal


def test_importing_the_tool_sets_waiting(tmp_path):
    """OpenMP reads it once, when torch starts it."""
    code = (
        'import os, runpy; os.environ.pop("OMP_WAIT_POLICY", None); '
        f'runpy.run_path({str(PROJECT / "tools" / "benchmark.py")!r}); '
        'print(os.environ["OMP_WAIT_POLICY"])'
    )
    assert run(tmp_path, sys.executable, '-c', code).stdout.strip() == 'PASSIVE'
    assert os.environ['OMP_WAIT_POLICY']


@pytest.mark.parametrize('mode', ['eager', 'folded'])
@pytest.mark.parametrize('what', bench_settings.WHATS)
def test_autocast(mode, what):
    """Over weights in float32; for inference those of matrix products are cast once."""
    if (mode, what) == ('folded', 'training'):
        return
    module, image = make_ready(Settings(**TINY, amp=True, mode=mode, what=what))
    assert image.dtype == torch.float32
    kept = {p.dtype for p in module.parameters()}
    assert kept == {torch.float32} | ({torch.bfloat16} if what == 'inference' else set())
    plain, _ = make_ready(Settings(**TINY, mode=mode, what=what))
    levels = module(image)
    assert {level.dtype for level in levels} == {torch.bfloat16}
    with torch.autocast('cpu', torch.bfloat16):
        expected = plain(image)
    for level, other in zip(levels, expected):
        assert torch.equal(level, other)
    if what == 'training':
        Step(module, image, training=True)()
        assert {p.grad.dtype for p in module.parameters()} == {torch.float32}


def test_autocast_measured():
    result = measure(Settings(**TINY, amp=True))
    check_schema(result)
    assert ' | bfloat16 amp | ' in table([result])
    with pytest.raises(ConfigError, match='`amp` on a CPU casts to bfloat16, not to float16'):
        measure(Settings(**TINY, amp=True, dtype='float16'))


def test_products_of_both_libraries():
    """The rate is the faster one's; both compute a product."""
    a, b = torch.randn(5, 5), torch.randn(5, 5)
    torch.testing.assert_close(bench_timing._as_convolution(a, b)[0, :, 0].t(), a @ b.t())
    seconds = iter([0, *[0, 3] * 8, 0, *[0, 2] * 8])  # after a call of each that does not count
    rate = bench_timing.matmul_rate(torch.float32, 'cpu', lambda: next(seconds))
    assert rate == 2 * 64**3 / 2
