"""The GPU's tests, tested on the CPU: they pass what is right, and find what is wrong."""

import re
import subprocess
import sys
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hybrid_backbones import create_backbone, list_backbones
from hybrid_backbones.analysis.training_memory.estimate import TrainingMemory
from tests.analysis.small import SMALL
from tests.gpu import distributed, graphs
from tests.gpu.compare import (
    PRECISIONS,
    Case,
    Distance,
    Result,
    distance,
    largest,
    level_distances,
    limit_of,
)
from tests.gpu.compiled import AS_EAGER, both_ways
from tests.gpu.distributed import steps_alone_and_in_a_group
from tests.gpu.graphs import replayed
from tests.gpu.kernels import BUILT_SCORES, attention_kernels, train_without_scores
from tests.gpu.memory import (
    Predicted,
    kept_by_forward,
    peak_of_step,
    predicted,
    wrong_of_kept,
    wrong_of_peak,
)
from tests.tools.commands import PROJECT, environment
from tests.versions import from_torch

FUSED = from_torch('2.2', 'has no fused attention on a CPU to compare with')
CHOICE = from_torch('2.3', 'has no torch.nn.attention')
HALF = from_torch('2.2', 'knows bfloat16 alone on a CPU')
EACH_PRECISION = [
    pytest.param(name, marks=HALF if name.startswith('fp16') else ()) for name in PRECISIONS
]
ON_CPU = 2.0  # in place of MARGIN: on this processor, twice what was measured on another


# -- numbers


@pytest.fixture(scope='module')
def case():
    case = Case(create_backbone('uniformer_small'))
    return SimpleNamespace(case=case, expected=case.run('cpu'))


@pytest.mark.parametrize('precision', EACH_PRECISION)
@pytest.mark.parametrize('name', ['hrformer_tiny', 'uniformer_xxs'])
def test_roundings_are_passed(name, precision):
    case = Case(create_backbone(name))
    found = distance(case.run('cpu', PRECISIONS[precision]), case.run('cpu'))
    assert not found.exceeds(limit_of(precision, ON_CPU))
    if precision != 'fp32':
        assert found.levels > 1e-4, 'it was computed as the name says'


@pytest.mark.extended
@pytest.mark.slow
@pytest.mark.parametrize('precision', EACH_PRECISION)
@pytest.mark.parametrize('name', list_backbones())
def test_roundings_of_all_are_passed(name, precision):
    """The tolerances come from here: float64 tells how far fp32 is off."""
    case = Case(create_backbone(name))
    exact = case.run('cpu', PRECISIONS['fp32']._replace(weights=torch.float64))
    found = distance(case.run('cpu', PRECISIONS[precision]), exact)
    assert not found.exceeds(limit_of(precision, ON_CPU))


def tf32(module):
    """Weights of products and convolutions as tensor cores take them: 10 bits of 23."""
    for inner in module.modules():
        if isinstance(inner, (nn.Linear, nn.Conv2d)):
            bits = inner.weight.data.view(torch.int32)
            inner.weight.data = ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def one_bias(module):
    module.stages[2].blocks[1].mlp.fc1.bias.data[3] += 1e-2


def without_a_token(module):
    """The last column of the finest maps, as a mistake in padding would leave it."""
    module.stages[0].register_forward_hook(
        lambda _, inputs, output: F.pad(output[..., :-1], (0, 1))
    )


def not_a_number(module):
    module.out_norms['3'].weight.data[0] = float('nan')


def half_a_gradient(module):
    module.stages[3].blocks[0].norm1.bias.register_hook(lambda gradient: gradient / 2)


MISTAKES = {
    tf32: ('fp32',),
    one_bias: ('fp32',),
    without_a_token: ('fp32', 'bf16'),
    not_a_number: ('fp32', 'bf16', 'bf16 autocast'),
    half_a_gradient: ('fp32',),
}


@pytest.mark.parametrize(
    'mistake, precision',
    [(mistake, each) for mistake, found_in in MISTAKES.items() for each in found_in],
    ids=lambda value: getattr(value, '__name__', value),
)
def test_mistakes_are_found(case, mistake, precision, monkeypatch):
    """Of a device that computes something else."""
    to = nn.Module.to

    def wrong_device(module, *args, **kwargs):
        module = to(module, *args, **kwargs)
        if isinstance(module, type(case.case.backbone)):
            mistake(module)
        return module

    monkeypatch.setattr(nn.Module, 'to', wrong_device)
    found = distance(case.case.run('cpu', PRECISIONS[precision]), case.expected)
    assert found.exceeds(limit_of(precision)), found


@pytest.mark.parametrize('precision', [each for each in EACH_PRECISION if 'bf16' not in str(each)])
def test_another_scale_of_attention_is_found(case, precision, monkeypatch):
    """A fifth less, as of heads that are padded from 41 channels to 64; bf16 is too coarse."""
    attend = F.scaled_dot_product_attention
    monkeypatch.setattr(
        F,
        'scaled_dot_product_attention',
        lambda q, k, v, **kwargs: attend(q * 0.8, k, v, **kwargs),
    )
    found = distance(case.case.run('cpu', PRECISIONS[precision]), case.expected)
    assert found.exceeds(limit_of(precision)), found


def test_distances_by_hand():
    """One level of three, and two of its weights; a quarter of the numbers differ."""
    level = torch.tensor([1.0, -1, 1, -1], dtype=torch.float64)
    gradients = {
        name: size * torch.ones(4, dtype=torch.float64) for name, size in zip('abc', (1, 2, 8))
    }
    expected = Result((level, level, level), gradients)
    off = level.clone()
    off[0] += 0.2
    changed = {**gradients, 'a': gradients['a'] + 0.5}
    found = distance(Result((level, off, level), changed), expected)
    assert found.levels == pytest.approx(0.1 / level.std().item())
    assert found.gradients == pytest.approx(0.5 / (1 + 4 + 64) ** 0.5)
    assert found.parameter == pytest.approx(0.25), 'of the median, 2, which is more than 1'
    limit = Distance(levels=0.08, gradients=0.1, parameter=0.1)
    assert found.exceeds(limit) == [
        'levels are off by 8.7e-02, more than 8.0e-02',
        'parameter are off by 2.5e-01, more than 1.0e-01',
    ]
    assert distance(expected, expected) == Distance(0.0, 0.0, 0.0)


def test_kinks_are_taken_out_of_gradients_alone(case):
    """The levels are the network's own."""
    assert largest(level_distances(case.expected.levels, case.case.backbone(case.case.image))) == 0


# -- kernels


@CHOICE
def test_kernels_have_names():
    q = torch.randn(1, 2, 8, 16)
    chosen = attention_kernels(lambda: [F.scaled_dot_product_attention(q, q, q) for _ in range(3)])
    assert list(chosen.values()) == [3] and BUILT_SCORES not in chosen
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        built = attention_kernels(lambda: F.scaled_dot_product_attention(q, q, q))
    assert built[BUILT_SCORES] == 1
    backbone = SMALL['uniformer']().eval()
    with torch.no_grad():
        of_backbone = attention_kernels(lambda: backbone(torch.randn(1, 3, 64, 64)))
    assert of_backbone == {next(iter(chosen)): 5}, 'one for each block of stages 3 and 4'


class Attention(nn.Module):
    """With a bias that is trained, which a CPU's fused kernel does not take."""

    def __init__(self, trained):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 2, 8, 8), requires_grad=trained)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        x = x * self.scale
        return [F.scaled_dot_product_attention(x, x, x, attn_mask=self.bias)]


@CHOICE
def test_the_kernel_that_builds_scores_refuses():
    x = torch.randn(1, 2, 8, 16)
    network = Attention(trained=False)
    train_without_scores(network, x)
    assert network.scale.grad is not None
    with pytest.raises(RuntimeError, match=r'[Nn]o (viable|available)'):
        train_without_scores(Attention(trained=True), x)


# -- memory

SHAPE = (2, 3, 96, 128)


@FUSED
@pytest.mark.parametrize('name', ['uniformer_xxs', 'cvt_13'])
def test_memory_as_predicted(name):
    """On a CPU too, by torch's profiler: of backbones that keep the same there."""
    measured = kept_by_forward(create_backbone(name), torch.randn(SHAPE), PRECISIONS['fp32'])
    counted = predicted(name, SHAPE)
    assert not wrong_of_kept(counted, measured)
    assert wrong_of_kept(counted, int(0.9 * counted.kept))
    assert wrong_of_kept(counted, int(1.1 * (counted.kept + counted.out)))
    assert wrong_of_kept(predicted(name, SHAPE, torch.bfloat16), measured)


def test_peak_by_hand():
    """The bounds are those of training-memory: what it counts is at most three quarters."""
    counted = Predicted(weights=110, learnt=100, kept=290, out=10)
    as_counted = TrainingMemory(weights=110, gradients=100, averages=200, backbone=290, rest=0)
    assert counted.at_most == int(as_counted.total / 0.75)
    assert counted.at_least == 110 + 200 + 290
    for peak, right in ((599, False), (600, True), (933, True), (934, False)):
        assert bool(wrong_of_peak(counted, peak)) is not right
    weights = sum(x.numel() * 4 for x in create_backbone('cvt_13').parameters())
    assert predicted('cvt_13', SHAPE).learnt == weights


def test_peak_is_of_the_second_step():
    """The first one makes the averages."""
    events = []
    readings = dict(now=100, peak=700)

    class Meter:
        now = staticmethod(lambda: readings['now'])
        reset = staticmethod(lambda: events.append('reset'))
        peak = staticmethod(lambda: readings['peak'])

    class Watched(torch.optim.AdamW):
        def step(self, *args, **kwargs):
            events.append(len(self.state))
            return super().step(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, 'AdamW', Watched)
        peak = peak_of_step(
            'uniformer_xxs', (2, 3, 32, 32), PRECISIONS['bf16 autocast'], 'cpu', Meter
        )
    assert peak == 600
    count = len(list(create_backbone('uniformer_xxs').parameters()))
    assert events == [0, 'reset', count]


# -- CUDA graphs


def recorded(call):
    """As a graph does it: outputs stay where they are, and are filled again."""
    outputs = call()

    def replay():
        for place, new in zip(outputs, call()):
            place.copy_(new)

    return replay, outputs


def test_graphs():
    backbone = SMALL['hrformer']().eval()
    image, other = torch.randn(2, 2, 3, 64, 64)
    found, expected = replayed(backbone, image, other, recorded)
    assert largest(level_distances(found, expected)) == 0
    stale, expected = replayed(backbone, image, other, lambda call: (lambda: None, call()))
    assert largest(level_distances(stale, expected)) > 0.1


def test_capturing(monkeypatch):
    """torch's own recipe: three calls on a stream of their own, then the one that is captured."""
    events = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            events.append(f'{self.name} begins')

        def __exit__(self, *_):
            events.append(f'{self.name} ends')

    stream = SimpleNamespace(wait_stream=lambda _: events.append('wait'))
    fake = SimpleNamespace(
        Stream=lambda: stream,
        current_stream=lambda: stream,
        stream=lambda _: Context('stream'),
        CUDAGraph=lambda: SimpleNamespace(replay='replay'),
        graph=lambda _: Context('graph'),
    )
    monkeypatch.setattr(graphs.torch, 'cuda', fake)
    assert graphs.cuda_graph(lambda: events.append('call') or 'outputs') == ('replay', 'outputs')
    warm = ['wait', 'stream begins', 'call', 'call', 'call', 'stream ends', 'wait']
    assert events == [*warm, 'graph begins', 'call', 'graph ends']


# -- the compiler


@pytest.fixture
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@from_torch('2.2', 'breaks graphs at generators and at functools.partial')
def test_compiled(fresh_dynamo):
    case = Case(SMALL['uniformer']())
    compiled, eager = both_ways(case, 'cpu', backend='eager')
    assert not distance(compiled, eager).exceeds(AS_EAGER)
    assert not distance(eager, case.run('cpu')).levels, 'UniFormer has no kinks'


@from_torch('2.2', 'breaks graphs at generators and at functools.partial')
def test_a_wrong_compiler_is_found(fresh_dynamo):
    def wrong(graph, inputs):
        return lambda *args: [
            out * 1.001 if isinstance(out, torch.Tensor) and out.is_floating_point() else out
            for out in graph(*args)
        ]

    compiled, eager = both_ways(Case(SMALL['uniformer']()), 'cpu', backend=wrong)
    assert distance(compiled, eager).exceeds(AS_EAGER)


# -- a group of processes


@pytest.mark.parametrize('name', ['hrformer', 'uniformer'])
def test_a_group_of_one(name, tmp_path):
    case = Case(SMALL[name]())
    alone, grouped = steps_alone_and_in_a_group(case.backbone, case.image, 'gloo', tmp_path)
    assert not distance(grouped, alone).exceeds(limit_of('fp32'))
    assert any(change.any() for change in alone.gradients.values())


def test_a_wrong_group_is_found(tmp_path, monkeypatch):
    """One that adds up where it shall take the mean, say, of two."""
    make = distributed.DistributedDataParallel

    def doubled(module):
        for parameter in module.parameters():
            parameter.register_hook(lambda gradient: 2 * gradient)
        return make(module)

    monkeypatch.setattr(distributed, 'DistributedDataParallel', doubled)
    case = Case(SMALL['uniformer']())
    alone, grouped = steps_alone_and_in_a_group(case.backbone, case.image, 'gloo', tmp_path)
    assert distance(grouped, alone).exceeds(limit_of('fp32'))


# -- the marker

OF_EVERY_BACKBONE = {
    'test_as_on_the_cpu',
    'test_fused_kernels_take_all',
    'test_fused_kernels_are_chosen',
    'test_kept_for_the_backward_pass',
    'test_replayed_on_other_images',
}


def test_without_a_gpu():
    """All are skipped, with the reason; each backbone is asked everything; `make` leaves it out."""
    words = ['-m', 'pytest', '-m', 'gpu', '-v', '-rs', '-p', 'no:cacheprovider', 'tests/gpu']
    done = subprocess.run(
        [sys.executable, *words],
        cwd=PROJECT,
        env={**environment(), 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert 'skipped' in lines[-1] and 'passed' not in lines[-1] and 'failed' not in lines[-1]
    reasons = {line.rpartition(': ')[2] for line in lines if line.startswith('SKIPPED')}
    assert all(r == 'needs a GPU' or r.startswith('torch before') for r in reasons), reasons
    asked = defaultdict(set)
    for line in lines:
        found = re.match(r'tests/gpu/\w+\.py::(\w+)\[(.*)\] SKIPPED', line)
        for name in set(found[2].split('-')) if found else ():
            asked[name].add(found[1])
    for name in list_backbones():
        assert asked[name] >= OF_EVERY_BACKBONE, name
    makefile = (PROJECT / 'Makefile').read_text(encoding='utf-8')
    for target in ('test', 'test-all'):
        line = makefile.partition(f'\n{target}: env\n')[2].splitlines()[0]
        assert re.search(r'-m "not .*gpu', line)
