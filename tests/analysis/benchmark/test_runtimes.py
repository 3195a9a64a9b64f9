"""Networks in ONNX Runtime and OpenVINO: what is timed is what torch computes."""

import copy
import json
from pathlib import Path

import pytest
import torch

from hybrid_backbones import create_backbone, fold
from hybrid_backbones.analysis.benchmark import runtimes
from hybrid_backbones.analysis.benchmark.measure import measure
from hybrid_backbones.analysis.benchmark.peak_memory import peak_memory
from hybrid_backbones.analysis.benchmark.runtimes import RUNTIMES, make_runtime
from hybrid_backbones.analysis.benchmark.settings import Settings, check_settings, make_ready
from hybrid_backbones.analysis.benchmark.turns import in_turns
from hybrid_backbones.deploy.exporting.verify import TOLERANCE, Difference, draw_constants
from hybrid_backbones.errors import ConfigError, ExportError

for _package in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(_package)

TINY = dict(network='cvt_13', options=dict(out_indices=(0,)), size=(64, 96), threads=1, repeats=2)


def available(*modes):
    """Modes, and skipped those whose package is not installed."""
    parameters = []
    for mode in modes:
        missing = [name for name in RUNTIMES[mode].packages if runtimes.find_spec(name) is None]
        marks = pytest.mark.skipif(bool(missing), reason=f'needs {", ".join(missing)}')
        parameters.append(pytest.param(mode, marks=marks))
    return parameters


export = runtimes._export
both = pytest.mark.parametrize('mode', available(*RUNTIMES))


def torchs(images, network='cvt_13', **options):
    """The same network, folded, as torch computes it."""
    torch.manual_seed(0)
    backbone = fold(draw_constants(create_backbone(network, **options).eval()))
    with torch.inference_mode():
        return backbone(images)


@both
def test_as_torch(mode):
    """The module has torch's numbers for a batch, at float32's precision and not bfloat16's."""
    module, images = make_ready(Settings(**TINY, mode=mode, batch=2))
    assert tuple(images.shape) == (2, 3, 64, 96)
    (level,) = module(images)
    (expected,) = torchs(images, out_indices=(0,))
    assert (level - expected).abs().max() < 1e-4 * expected.std()


@pytest.mark.parametrize('mode', available('openvino'))
def test_bfloat16(mode):
    """Asked for, OpenVINO computes in it: further from torch than float32 can be."""
    if not torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported():
        pytest.skip('this CPU has no bfloat16: OpenVINO takes float32')
    module, images = make_ready(Settings(**TINY, mode=mode, dtype='bfloat16'))
    (level,) = module(images)
    (expected,) = torchs(images, out_indices=(0,))
    gap = (level - expected).abs().max() / expected.std()
    assert TOLERANCE < gap < runtimes.TOLERANCES['bfloat16']


@both
def test_measured(mode):
    """In turns with torch, with the memory of a process that has built nothing."""
    settings = Settings(**TINY, mode=mode, against='cvt_13')
    result = json.loads(json.dumps(measure(settings)))
    assert result['order'] == ['network', 'against'] * 2
    assert result['gmacs'] > 0
    assert result['versions'][mode]
    memory = result['memory_gib']
    assert 0 < memory['before'] <= memory['peak'] < 2


@pytest.mark.parametrize('mode', available('openvino'))
def test_both_runtimes_in_turns(mode, monkeypatch):
    """They read one file, and the second one is compared too."""
    exports = []
    monkeypatch.setattr(runtimes, '_export', lambda s: exports.append(s) or export(s))
    ways = dict(
        torch=Settings(**TINY, mode='folded'),
        onnxruntime=Settings(**TINY, mode='onnxruntime'),
        openvino=Settings(**TINY, mode=mode),
        others=Settings(**{**TINY, 'size': (96, 64)}, mode='onnxruntime'),
    )
    result = in_turns(ways)
    assert [each.size for each in exports] == [(64, 96), (96, 64)]
    assert list(result['ways']) == list(ways)
    assert {'onnxruntime', 'openvino'} < set(result['versions'])
    monkeypatch.setattr(
        runtimes, 'compare', lambda run, expected, *_: [compare_badly(run, expected)]
    )

    def compare_badly(run, expected):
        wrong = isinstance(expected, runtimes.Runtime)
        return Difference((1, 3, 64, 96), 0.0, float('nan') if wrong else 0.0)

    with pytest.raises(ExportError, match=r'cvt_13 in openvino is nan .* from another runtime'):
        in_turns(ways)


@pytest.mark.slow
@pytest.mark.extended
def test_memory_without_the_exporter():
    """Of the same network, exported in the process or before it."""
    settings = Settings(**TINY, mode='onnxruntime')
    module, _ = make_ready(settings)
    given = peak_memory(settings, str(module.path))
    alone = peak_memory(settings)
    assert given['before'] < alone['before'] - 0.1


def test_the_file_goes_with_the_module():
    module, _ = make_ready(Settings(**TINY, mode='onnxruntime'))
    path = Path(module.path)
    assert path.is_file()
    del module
    assert not path.parent.exists()


def test_a_difference_is_seen(monkeypatch):
    """Of one weight of the network that was exported."""

    def trace_another(module, *shape):
        other = copy.deepcopy(module)
        with torch.no_grad():
            next(other.parameters())[0] += 0.5
        return trace(other, *shape)

    trace = runtimes.trace
    monkeypatch.setattr(runtimes, 'trace', trace_another)
    with pytest.raises(ExportError, match=r'cvt_13 in onnxruntime is .* nothing is timed'):
        make_runtime(Settings(**TINY, mode='onnxruntime'))


def test_status_of_a_difference(command, monkeypatch):
    monkeypatch.setitem(runtimes.TOLERANCES, 'float32', 0.0)
    arguments = ('--options', 'out_indices=(0,)', '--size', '64x96', '--threads', '1')
    result = command('benchmark', 'cvt_13', *arguments, '--mode', 'onnxruntime')
    assert result.status == 1
    assert 'cvt_13 in onnxruntime is ' in result.err.splitlines()[-1]
    assert '|' not in result.out


def test_a_file_that_is_none(tmp_path):
    (tmp_path / 'a.onnx').write_text('none')
    with pytest.raises(ExportError, match='onnxruntime cannot read cvt_13: '):
        make_runtime(Settings(**TINY, mode='onnxruntime'), str(tmp_path / 'a.onnx'))


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [
        'semanticfpn_uniformer_xxs_80k_ade20k',
        pytest.param('topdown_hrformer_t_210e_coco_256x192', marks=pytest.mark.extended),
    ],
)
def test_whole_models(name):
    """As torch runs them in the other modes: the same outputs, at the head's own size."""
    pytest.importorskip('mmseg')
    pytest.importorskip('mmpose')
    settings = Settings(name, size=(64, 96), threads=1, batch=2)
    module, images = make_ready(Settings(**{**vars(settings), 'mode': 'onnxruntime'}))
    (output,) = module(images)
    eager, _ = make_ready(settings)
    with torch.inference_mode():
        assert output.shape == eager(images).shape


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(what='training'), '`mode=onnxruntime` is for inference'),
        (dict(device='cuda'), 'measured on a CPU: `device=cpu`'),
        (dict(amp=True), "does not go with `amp`, which is torch's"),
        (dict(dtype='bfloat16'), 'computes in float32, not in bfloat16'),
        (dict(dtype='float16', mode='openvino'), 'in float32 or bfloat16, not in float16'),
        (dict(memory_format='channels_last'), 'leave `memory_format=contiguous`'),
    ],
)
def test_refusals(changes, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    with pytest.raises(ConfigError, match=message):
        check_settings(Settings(**{**TINY, 'mode': 'onnxruntime', **changes}))


@pytest.mark.parametrize(
    'mode, extras', [('onnxruntime', r'\[onnx\]'), ('openvino', r'\[onnx,openvino\]')]
)
def test_missing_package(command, monkeypatch, mode, extras):
    monkeypatch.setattr(runtimes, 'find_spec', lambda name: None if name == mode else name)
    line = command('benchmark', 'cvt_13', '--mode', mode).refusal
    assert f'--mode {mode} needs {mode}: pip install' in line
    assert extras.replace('\\', '') in line


def test_detectors():
    pytest.importorskip('mmdet')
    settings = Settings('retinanet_transxnet_t_1x', mode='onnxruntime', size=(64, 96))
    with pytest.raises(ConfigError, match='is a detector, which is not exported whole'):
        make_runtime(settings)
