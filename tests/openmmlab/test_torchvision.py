"""A torchvision built for another torch is made importable; other faults are not hidden."""

import importlib
import shutil
import subprocess
import sys

import pytest

from hybrid_backbones.openmmlab import torchvision
from tests.versions import from_torch

REGISTERS = from_torch('2.4', 'has no register_fake, and no torchvision that calls it')
# what makes the real one fail, where its own library of operators does not load
FAKE = """import torch


@torch.library.register_fake('torchvision::nms')
def nms(dets, scores, iou_threshold):
    return dets


print('imported')
"""


@pytest.fixture
def run(tmp_path):
    """Run a line where torchvision asks for an operator that nobody has declared."""
    (tmp_path / 'torchvision.py').write_text(FAKE)
    shutil.copy(torchvision.__file__, tmp_path / 'repair.py')

    def run(line):
        # without site-packages' .pth files, one of which may have repaired it already
        paths = [str(tmp_path), *filter(None, sys.path)]
        code = f'import sys; sys.path[:] = {paths!r}; {line}'
        return subprocess.run([sys.executable, '-S', '-c', code], capture_output=True, text=True)

    return run


@REGISTERS
def test_without_repair(run):
    assert 'torchvision::nms does not exist' in run('import torchvision').stderr


@REGISTERS
def test_repair(run):
    result = run('import repair; repair.repair_torchvision(); import torchvision')
    assert result.stdout == 'imported\n', result.stderr


@REGISTERS
def test_repair_on_import(run):
    """The copy in an environment costs a program nothing before it imports torchvision."""
    lazy = "import repair; repair.repair_on_import(); assert 'torch' not in sys.modules"
    result = run(f'{lazy}; import torchvision')
    assert result.stdout == 'imported\n', result.stderr
    assert run(lazy).returncode == 0


def test_other_faults(monkeypatch):
    failures = [ImportError('no torchvision at all')]

    def import_module(name):
        assert name == 'torchvision'
        raise failures.pop()

    monkeypatch.setattr(importlib, 'import_module', import_module)
    torchvision.repair_torchvision()
    failures.append(RuntimeError('something else'))
    with pytest.raises(RuntimeError, match='something else'):
        torchvision.repair_torchvision()
