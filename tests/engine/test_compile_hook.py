"""Blocks of a backbone compiled inside mmengine's Runner, once for those that are alike."""

import copy
import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hybrid_backbones import UniFormer, fold
from hybrid_backbones.engine.hooks.compile import CompileHook
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.registry import HOOKS
from tests.versions import from_torch

BLOCKS = from_torch('2.5', 'makes a graph for each block, alike or not')
DEPTHS = (2, 1, 2, 1)
SIZES = ((64, 64), (96, 64), (64, 128), (128, 96))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = UniFormer(arch=dict(depths=DEPTHS, dims=(16, 24, 32, 40), head_dim=8))


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def runner():
    torch.manual_seed(0)
    return SimpleNamespace(model=Model(), logger=logging.getLogger('compile'))


class Counting:
    """A backend that runs graphs as they are and counts them."""

    def __init__(self):
        self.count = 0

    def __call__(self, graph, _):
        self.count += 1
        return graph


def results(model, size):
    model.zero_grad()
    levels = model.backbone(torch.linspace(-1, 1, 2 * 3 * size[0] * size[1]).view(2, 3, *size))
    sum(level.square().mean() for level in levels).backward()
    return [*levels, *(p.grad for p in model.parameters() if p.grad is not None)]


@BLOCKS
def test_the_same_numbers_in_few_graphs(runner):
    eager = copy.deepcopy(runner.model)
    backend = Counting()
    hook = HOOKS.build(dict(type='hybrid_backbones.CompileHook', backend=backend))
    assert isinstance(hook, CompileHook)
    hook.before_run(runner)
    hook.before_train(runner)
    for size in SIZES:
        for ours, theirs in zip(results(runner.model, size), results(eager, size)):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    # a graph for each kind of block, and one more for all other sizes
    assert 0 < backend.count <= 3 * len(DEPTHS)


@BLOCKS
def test_names_and_copies_stay(runner):
    names = list(runner.model.state_dict())
    CompileHook(backend='eager').before_train(runner)
    results(runner.model, SIZES[0])
    assert list(runner.model.state_dict()) == names
    copied = copy.deepcopy(runner.model)  # as averaging of weights does
    assert all(each.isfinite().all() for each in results(copied, SIZES[0]))


@BLOCKS
def test_folded(runner):
    runner.model.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = runner.model.backbone(image)
        runner.model.backbone = fold(runner.model.backbone)
        backend = Counting()
        CompileHook(backend=backend).before_test(runner)
        for ours, theirs in zip(runner.model.backbone(image), expected):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert backend.count


@BLOCKS
def test_what_cannot_be_compiled_runs_as_it_is(runner, caplog):
    def broken(graph, _):
        raise RuntimeError('no compiler on this machine')

    eager = copy.deepcopy(runner.model)
    CompileHook(backend=broken).before_train(runner)
    with caplog.at_level(logging.WARNING):
        found = results(runner.model, SIZES[0])
    assert all(map(torch.equal, found, results(eager, SIZES[0])))
    (record,) = caplog.records
    assert 'no compiler on this machine' in record.getMessage()
    assert '\n' not in record.getMessage() and 'TORCHDYNAMO' not in record.getMessage()


def test_no_backbone_of_ours(runner):
    runner.model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ConfigError, match='the model has none'):
        CompileHook().before_run(runner)
