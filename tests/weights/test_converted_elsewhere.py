"""Converted whole models in the libraries' own tools and inferencers, in a folder of its own."""

import json
import sys
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hybrid_backbones import config_path
from hybrid_backbones.engine.test import test as run_test
from hybrid_backbones.weights import convert
from tests.tools.commands import run, share_mini
from tests.weights.test_whole_models import load, write

pytest.importorskip('mmpose')
pytestmark = [pytest.mark.slow, pytest.mark.extended]

MODELS = {
    'mmdet': 'retinanet_transxnet_t_1x',
    'mmseg': 'semanticfpn_uniformer_xxs_80k_ade20k',
    'mmpose': 'topdown_uniformer_s_210e_coco_256x192',
}


@pytest.mark.parametrize('library', MODELS)
def test_own_tool(library, tmp_path, monkeypatch):
    """The numbers of the library's tools/test.py with the converted file are those of ours with
    the published one."""
    monkeypatch.chdir(tmp_path)
    name = MODELS[library]
    published = write(name, tmp_path)
    converted = convert(published, tmp_path / 'converted.pth')  # which adds a hash to the name
    share_mini(tmp_path, ['--mini'])
    ours = run_test(name, str(published), mini=True, all_classes=True, work_dir='ours').metrics

    cli = (sys.executable, '-m', 'hybrid_backbones', 'print-config')
    shown = run(tmp_path, *cli, name, '--mini', '--all-classes')
    (tmp_path / 'mine.py').write_text(shown.stdout)
    tool = Path(import_module(library).__file__).parent / '.mim' / 'tools' / 'test.py'
    module = ('-m', 'hybrid_backbones.openmmlab.operators')  # mmcv need not be compiled
    command = (sys.executable, *module, tool, 'mine.py', converted, '--work-dir', 'work')
    done = run(tmp_path, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    # surplus is no fault: the published pose file has norms of levels that poses do not use
    assert 'missing keys' not in done.stdout
    (log,) = (tmp_path / 'work').glob('*/*.json')
    theirs = json.loads(log.read_text().splitlines()[-1])
    assert {key: theirs[key] for key in ours} == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize(
    'library, inferencer, options',
    [
        ('mmdet', 'DetInferencer', {}),
        ('mmseg', 'MMSegInferencer', {}),
        ('mmpose', 'Pose2DInferencer', dict(det_model='whole_image')),
    ],
)
def test_inferencers(library, inferencer, options, tmp_path):
    """They hold what the published file holds, and run."""
    name = MODELS[library]
    published = write(name, tmp_path)
    converted = convert(published, tmp_path / 'converted.pth')
    kind = getattr(import_module(f'{library}.apis'), inferencer)
    found = kind(config_path(name), str(converted), device='cpu', **options)
    _, model, _, _ = load(name, published)
    ours, theirs = model.state_dict(), found.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((96, 64, 3), 90, np.uint8))
    result = found(str(tmp_path / 'a.png'))
    assert (next(result) if library == 'mmpose' else result)['predictions'] is not None
