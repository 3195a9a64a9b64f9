"""Faster ways of running folded backbones, against the recorded numbers of the authors' code.

Each has the tolerance that docs/benchmark.md states for it.
"""

from importlib.util import find_spec

import pytest
import torch

from hybrid_backbones.analysis.benchmark.runtimes import RUNTIMES
from hybrid_backbones.deploy import fold
from hybrid_backbones.deploy.exporting.export import write_checked
from hybrid_backbones.deploy.exporting.trace import trace
from hybrid_backbones.deploy.folding import heads
from tests.backbones.test_equivalent_paths import RUNS, assert_levels
from tests.golden import assert_close
from tests.published_runs import published

EXPORTED = 1e-3


@pytest.mark.parametrize('family, golden', RUNS)
def test_channels_last(family, golden):
    folded = fold(published(family, golden)).to(memory_format=torch.channels_last)
    image = golden.image().contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        assert_levels(family, golden, folded(image))


@pytest.mark.parametrize('family, golden', RUNS)
def test_heads_as_on_a_gpu(family, golden, monkeypatch):
    monkeypatch.setattr(heads, 'runs_on_gpu', lambda _: True)
    folded = fold(published(family, golden))
    with torch.inference_mode():
        assert_levels(family, golden, folded(golden.image()))


@pytest.mark.extended
@pytest.mark.parametrize('family, golden', RUNS)
def test_exported(family, golden, tmp_path):
    """In both runtimes, OpenVINO where it is installed."""
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        pytest.importorskip(package)
    folded, size = fold(published(family, golden)), (golden.height, golden.width)
    path, image = tmp_path / 'network.onnx', golden.image()
    write_checked(trace(folded, size), folded, path, 'onnx', size, 20)
    for kind in RUNTIMES.values():
        if all(map(find_spec, kind.packages)):
            levels = kind.load(path, len(image), 1, 'float32').run(image)
            assert len(levels) == len(family.levels)
            for name, level in zip(family.levels, levels):
                assert_close(level, golden, name, EXPORTED)
