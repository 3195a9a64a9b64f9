"""The time of a step by kinds of operators: what is counted, and against which roof."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hybrid_backbones.analysis.benchmark import operators as profile
from hybrid_backbones.analysis.benchmark.operators import Call, operators, summarise
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.deploy.folding.onednn import by_onednn
from hybrid_backbones.errors import ConfigError


@pytest.fixture(autouse=True)
def small_copies(monkeypatch):
    monkeypatch.setattr(profile, 'COPY_BYTES', 2**16)


def record(function, *args):
    with profile._Recorder(iter(range(1000)).__next__, lambda: None) as recorder:
        function(*args)
    return recorder.calls


@pytest.mark.parametrize(
    'layer, kind, flops',
    [
        (nn.Conv2d(4, 6, 1, bias=False), profile.POINTWISE, 2 * 6 * 4 * 80),
        (nn.Conv2d(4, 6, 3, padding=1, bias=False), profile.DENSE, 2 * 6 * 4 * 9 * 80),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), profile.DEPTHWISE, 2 * 4 * 9 * 80),
    ],
    ids=['1x1', '3x3', 'depthwise'],
)
def test_convolutions(layer, kind, flops):
    """Two operations a multiply-add; image, weights and output are read or written once."""
    x = torch.rand(1, 4, 8, 10)
    with torch.no_grad():
        (call,) = record(layer, x)
    assert call == Call(
        kind, 1, flops, 4 * (x.numel() + layer.weight.numel() + len(layer.weight) * 80)
    )
    # the gradients of the weights, and of the image where it is wanted, take as much each
    for image, times in ((x, 1), (x.clone().requires_grad_(), 2)):
        loss = layer(image).sum()
        calls = [call for call in record(loss.backward) if call.kind == kind]
        assert [call.flops for call in calls] == [times * flops]


def test_products_and_attention():
    a, b = torch.rand(3, 4), torch.rand(4, 5)
    (product,) = record(torch.mm, a, b)
    assert product == Call('matrix product', 1, 2 * 3 * 4 * 5, 4 * (12 + 20 + 15))
    q = torch.rand(1, 2, 6, 8)
    attention = [call for call in record(F.scaled_dot_product_attention, q, q, q) if call.flops]
    assert [(c.kind, c.flops) for c in attention] == [('attention', 2 * 2 * (2 * 6 * 6 * 8))]


def test_folded_layers():
    """oneDNN's layers, which torch's own counter does not know."""
    x, image = torch.rand(3, 5, 8), torch.rand(1, 8, 5, 5)
    with torch.no_grad():
        (linear,) = record(by_onednn(nn.Linear(8, 6)), x)
        (convolution,) = record(by_onednn(nn.Conv2d(8, 6, 1)), image)
    assert (linear.kind, linear.flops) == ('matrix product', 2 * 15 * 8 * 6)
    assert (convolution.kind, convolution.flops) == (profile.POINTWISE, 2 * 25 * 8 * 6)


def test_traffic():
    x = torch.rand(5, 8)
    assert [call.nbytes for call in record(torch.nn.functional.gelu, x)] == [2 * x.nbytes]
    assert [call.nbytes for call in record(x.add_, x.clone())] == [3 * x.nbytes]
    assert [call.nbytes for call in record(torch.empty(5, 8).copy_, x)] == [2 * x.nbytes]
    assert record(lambda: x.view(40).detach()[:4].unflatten(0, (2, 2))) == []
    # one row in memory, shown eight times
    assert [c.nbytes for c in record(torch.neg, torch.rand(1, 8).expand(8, 8))] == [32 + 256]


@pytest.mark.parametrize(
    'name, kind',
    [
        ('aten.gelu_.default', 'activation'),
        ('aten._softmax.default', 'activation'),
        ('aten.native_group_norm_backward.default', 'norm'),
        ('aten._scaled_dot_product_flash_attention_for_cpu.default', 'attention'),
        ('aten.addmm.default', 'matrix product'),
        ('aten.add_.Tensor', 'sum or product'),
        ('aten.cat.default', 'copy'),
        ('aten.constant_pad_nd.default', 'copy'),
        ('aten.upsample_nearest2d.vec', 'resize'),
        ('aten.erfinv.default', 'other'),
    ],
)
def test_kinds(name, kind):
    assert profile.kind_of(name) == kind


def test_roofs():
    """Each call by its own roof: of 8 s, one call needs 2 s of operations, one 2 s of copies."""
    calls = [Call('a', 6, 20, 10), Call('a', 2, 0, 20), Call('b', 1, 1, 1000)]
    first, second = summarise(calls, total=10, matmul=10, copy=10)
    assert first == dict(
        **dict(name='a', calls=2, seconds=8, flops=20, bytes=30, share=0.8),
        **dict(roof=4 / 8, bound='traffic'),
    )
    assert second['roof'] == 100
    assert summarise([Call('a', 1, 30, 20)], 1, 10, 10)[0]['bound'] == 'rate'


@pytest.mark.parametrize('what, mode', [('inference', 'folded'), ('training', 'eager')])
def test_a_backbone(what, mode):
    """All of its multiply-adds are found; a training step has three times as many."""
    settings = dict(network='transxnet_t', size=(64, 96), batch=2, threads=1, repeats=1)
    result = operators(Settings(**settings, what=what, mode=mode))
    from hybrid_backbones import create_backbone
    from hybrid_backbones.complexity import count_flops

    macs = 2 * count_flops(create_backbone('transxnet_t'), 64, 96)
    found = sum(kind['flops'] for kind in result['kinds']) / 2
    times = dict(inference=1, training=3)[what]
    # one of a layer's gradients may not be wanted, and attention computes its scores again
    assert found == pytest.approx(times * macs, rel=0.02 if what == 'inference' else 0.1)
    assert result['rest'] > 0
    shares = sum(kind['share'] for kind in result['kinds'])
    assert shares + result['rest'] / result['seconds'] == pytest.approx(1)
    assert {'depthwise convolution', 'norm'} < {kind['name'] for kind in result['kinds']}


def test_refusals():
    for mode in ('compiled', 'onnxruntime'):
        with pytest.raises(ConfigError, match=f'no operators of torch are seen in `mode={mode}`'):
            operators(Settings('hrformer_tiny', size=(32, 32), mode=mode))


def test_tool(command):
    """A line and a table for each size; not with what has other columns."""
    quick = ['--threads', '1', '--repeats', '1', '--size', '32x32', '64x32']
    lines = command('benchmark', 'hrformer_t', '--operators', *quick).out.splitlines()
    titles = [line for line in lines if line.startswith('`hrformer_t`, inference, eager, 1x3x')]
    assert len(titles) == 2
    assert sum('| attention |' in line for line in lines) == 2
    assert sum('| all else, Python |' in line for line in lines) == 2
    for other in (['--parts'], ['--csv', 'a.csv']):
        refusal = command('benchmark', 'hrformer_t', '--operators', *other).refusal
        assert 'has a table of its own' in refusal
