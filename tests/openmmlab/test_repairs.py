"""Repairs of the libraries that have no test with what they repair."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.config import config as mmengine_config
from mmengine.config import utils as mmengine_utils
from mmengine.runner import checkpoint as mmengine_checkpoint

from hybrid_backbones.openmmlab import repairs
from hybrid_backbones.openmmlab.repairs import (
    find_bases_at_once,
    find_maintained_packages,
    quiet_optional_packages,
    repair_checkpoints,
)
from tests.versions import from_torch

pytest.importorskip('mmdet')


def test_bases_are_found_without_reading_metafiles(tmp_path, monkeypatch):
    """And are those that mmengine finds."""
    (tmp_path / 'a.py').write_text("_base_ = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'")
    with monkeypatch.context() as patch:
        patch.setattr(
            mmengine_config, '_get_external_cfg_path', mmengine_utils._get_external_cfg_path
        )
        expected = Config.fromfile(tmp_path / 'a.py').pretty_text
    find_bases_at_once()
    monkeypatch.setattr(mmengine_utils, 'load', None)
    assert Config.fromfile(tmp_path / 'a.py').pretty_text == expected


def test_a_base_that_is_not_there(tmp_path):
    (tmp_path / 'a.py').write_text("_base_ = 'mmdet::retinanet/none_such.py'")
    with pytest.raises(FileNotFoundError, match='none_such'):
        Config.fromfile(tmp_path / 'a.py')


@pytest.mark.parametrize(
    'installed, expected',
    [
        ({'onedl-mmsegmentation'}, 'onedl-mmsegmentation'),
        ({'mmsegmentation', 'onedl-mmsegmentation'}, 'mmsegmentation'),
        (set(), 'mmsegmentation'),
    ],
)
def test_the_distribution_that_has_mmseg(monkeypatch, installed, expected):
    table = {'mmdet': 'mmdet', 'mmseg': 'mmsegmentation'}
    monkeypatch.setattr(repairs, 'MODULE2PACKAGE', table)
    monkeypatch.setattr(repairs, 'installed_version', installed.__contains__)
    find_maintained_packages()
    assert table == {'mmdet': 'mmdet', 'mmseg': expected}


@from_torch('2.6', 'reads what mmengine saves')
def test_nothing_is_allowed_beside_ours(monkeypatch):
    """As onedl-mmengine 0.10.12 does around each file."""
    name = 'get_torch_safe_globals'
    monkeypatch.setattr(mmengine_checkpoint, name, lambda: [getattr], raising=False)
    repair_checkpoints()
    with torch.serialization.safe_globals(getattr(mmengine_checkpoint, name)()):
        assert getattr not in torch.serialization.get_safe_globals()


def test_a_warning_of_what_is_not_used():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        quiet_optional_packages()
        warnings.warn('faster_coco_eval is not installed, metrics', UserWarning, stacklevel=1)
        warnings.warn('another', UserWarning, stacklevel=1)
    assert [str(each.message) for each in caught] == ['another']


@pytest.mark.parametrize('numpy', ['1.26.4', '2.5.0'])
def test_circles(monkeypatch, numpy):
    """A radius that comes as an array of one is drawn as a number is."""
    drawing = pytest.importorskip('mmpose.visualization.opencv_backend_visualizer')
    visualizer = drawing.OpencvBackendVisualizer
    given, original = [], visualizer.draw_circles

    def draw(self, center, radius, *args, **kwargs):
        given.append(radius)

    monkeypatch.setattr(visualizer, 'draw_circles', draw)
    monkeypatch.setattr(repairs.np, '__version__', numpy)
    repairs.repair_circles()
    repairs.repair_circles()  # once is enough
    for backend in ('opencv', 'matplotlib'):
        drawn = SimpleNamespace(backend=backend)
        visualizer.draw_circles(drawn, center=(1, 2), radius=np.array([3.0]), face_colors='r')
    by_opencv, by_matplotlib = given
    assert np.ndim(by_opencv) == (0 if numpy == '2.5.0' else 1)
    assert np.ndim(by_matplotlib) == 1
    assert original is not visualizer.draw_circles
