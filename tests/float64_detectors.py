"""Detectors in float64, in which rounding chooses no other boxes."""

import importlib

import pytest


@pytest.fixture
def nms_of_float64(monkeypatch):
    """Compiled mmcv has no NMS of float64: which boxes go is then told by their float32 values."""
    pytest.importorskip('mmcv')
    from hybrid_backbones.openmmlab.operators.extension import StandIn

    # not by attributes: mmcv.ops.nms is the function, too
    extension = importlib.import_module('mmcv.ops.nms').ext_module
    if isinstance(extension, StandIn):
        return  # ours takes both types
    compiled = extension.nms

    def rounded(boxes, scores, **options):
        return compiled(boxes.float(), scores.float(), **options)

    monkeypatch.setattr(extension, 'nms', rounded)
