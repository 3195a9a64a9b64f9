"""A torchvision built for another torch is made importable; other faults are not hidden."""

import importlib

import pytest
import torch

from hybrid_backbones.engine import prepare


def test_torchvision_repair(monkeypatch):
    failures = [RuntimeError('operator torchvision::nms does not exist')]
    defined = []

    class Library:
        def __init__(self, *names):
            assert names == ('torchvision', 'DEF')

        def define(self, schema):
            defined.append(schema.split('(')[0])

    def import_module(name):
        assert name == 'torchvision'
        if failures:
            raise failures.pop()

    monkeypatch.setattr(importlib, 'import_module', import_module)
    monkeypatch.setattr(torch.library, 'Library', Library)
    prepare.repair_torchvision()
    assert defined == ['nms', 'qnms']

    failures.append(ImportError('no torchvision at all'))
    prepare.repair_torchvision()
    failures.append(RuntimeError('something else'))
    with pytest.raises(RuntimeError, match='something else'):
        prepare.repair_torchvision()
