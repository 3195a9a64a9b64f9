"""Repairs of the libraries that have no test with what they repair."""

import warnings

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
