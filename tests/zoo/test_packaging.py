"""Configs by name: from a checkout, from an installed wheel, and in OpenMMLab's inferencers."""

import os
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.infer import BaseInferencer
from mmengine.registry import MODELS, DefaultScope

import hybrid_backbones
from hybrid_backbones.zoo import configs as zoo

PROJECT = Path(__file__).parents[2]
NAME = 'retinanet_uniformer_s_1x'
PACKAGED = ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE', 'model-index.yml')

READ_INSTALLED = """
import hybrid_backbones
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.infer import BaseInferencer

print(hybrid_backbones.__file__)
for name in hybrid_backbones.list_configs():
    if '_s_' in name and not name.startswith('classifier'):  # those need MMPretrain
        cfg = hybrid_backbones.get_config(name)
        assert cfg.model.backbone.type.startswith('hybrid_backbones.')
assert get_config('hybrid_backbones::_base_/backbones/uniformer_s.py').channels
assert BaseInferencer.list_models('hybrid_backbones')
print(cfg.filename)
"""
TRAIN = 'hybrid_backbones/.mim/tools/train.py'  # what `mim train hybrid_backbones` runs


def test_names():
    pytest.importorskip('mmdet')
    assert zoo.config_root() == PROJECT, 'a checkout has no copy'
    assert hybrid_backbones.config_path(f'{NAME}.py') == str(PROJECT / 'configs' / f'{NAME}.py')
    cfg = hybrid_backbones.get_config(NAME)
    assert cfg.filename == hybrid_backbones.config_path(NAME)
    assert cfg.model.backbone.type == 'hybrid_backbones.UniFormer'


def test_unknown_name():
    with pytest.raises(ValueError, match=f"no config 'retinanet_uniformer_x'; close: .*{NAME}"):
        hybrid_backbones.get_config('retinanet_uniformer_x')
    with pytest.raises(ValueError, match="no config 'qqqq'; list_configs"):
        hybrid_backbones.config_path('qqqq')
    with pytest.raises(ValueError, match='no config'):
        hybrid_backbones.config_path('_base_/backbones/uniformer_s.py')


def test_without_configs(monkeypatch, tmp_path):
    monkeypatch.setattr(zoo, '__file__', str(tmp_path / 'hybrid_backbones' / 'zoo' / 'configs.py'))
    with pytest.raises(FileNotFoundError, match='was copied, not installed with pip'):
        zoo.list_configs()


def test_importing_the_package_stays_cheap():
    code = 'import sys, hybrid_backbones; sys.exit("torch" in sys.modules or "yaml" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], cwd=PROJECT).returncode == 0


def test_inheriting_from_another_folder(tmp_path):
    pytest.importorskip('mmdet')
    path = tmp_path / 'mine.py'
    base = f"__import__('hybrid_backbones').config_path('{NAME}')"
    path.write_text(f'_base_ = [{base}]\nmodel = dict(bbox_head=dict(num_classes=3))\n')
    cfg = Config.fromfile(path)
    assert cfg.model.bbox_head.num_classes == 3
    assert cfg.model.backbone.type == 'hybrid_backbones.UniFormer'


def test_mmengine_lists_the_models():
    names = BaseInferencer.list_models('hybrid_backbones')
    assert names == [model['Name'] for model in zoo.list_models()]


def save_weights(name, path):
    """Random weights, as a training run leaves them."""
    cfg = hybrid_backbones.get_config(name)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model)
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return str(path)


def infer(inferencer, name, tmp_path, **options):
    weights = save_weights(name, tmp_path / 'weights.pth')
    image = np.zeros((96, 64, 3), np.uint8)
    return inferencer(hybrid_backbones.config_path(name), weights, device='cpu')(image, **options)


def test_det_inferencer(tmp_path):
    DetInferencer = pytest.importorskip('mmdet.apis').DetInferencer
    found = infer(DetInferencer, NAME, tmp_path, no_save_vis=True)
    assert found['predictions'][0].keys() == {'labels', 'scores', 'bboxes'}


@pytest.mark.slow
def test_seg_inferencer(tmp_path):
    MMSegInferencer = pytest.importorskip('mmseg.apis').MMSegInferencer
    found = infer(MMSegInferencer, 'semanticfpn_transxnet_t_80k_ade20k', tmp_path)
    assert found['predictions'].shape == (96, 64)


@pytest.mark.slow
def test_pose_inferencer(tmp_path):
    Pose2DInferencer = pytest.importorskip('mmpose.apis').Pose2DInferencer

    inferencer = partial(Pose2DInferencer, det_model='whole_image')
    found = next(infer(inferencer, 'topdown_hrformer_s_210e_coco_256x192', tmp_path))
    assert len(found['predictions'][0][0]['keypoints']) == 17


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """A copy of what is packaged: building leaves files behind."""
    tree = tmp_path_factory.mktemp('tree')
    ignored = shutil.ignore_patterns('__pycache__')
    for folder in ('hybrid_backbones', 'configs', 'tools'):
        shutil.copytree(PROJECT / folder, tree / folder, ignore=ignored)
    for file in PACKAGED:
        shutil.copy(PROJECT / file, tree)
    return tree


def shipped():
    """What users without a clone need, relative to the checkout."""
    files = [PROJECT / 'model-index.yml', *(PROJECT / 'configs').rglob('*.py')]
    files += (PROJECT / 'configs').rglob('*.yml')
    files += [*(PROJECT / 'tools').glob('*.py'), *(PROJECT / 'tools').glob('*.sh')]
    return {str(path.relative_to(PROJECT)) for path in files}


@pytest.mark.slow
def test_wheel(tree, tmp_path):
    pytest.importorskip('setuptools', '64', reason='pyproject.toml asks for it')
    pytest.importorskip('mmdet')
    options = ('--no-deps', '--no-build-isolation', '--quiet', '-w', str(tmp_path))
    command = [sys.executable, '-m', 'pip', 'wheel', *options, str(tree)]
    subprocess.run(command, check=True, timeout=170)
    with zipfile.ZipFile(next(tmp_path.glob('*.whl'))) as wheel:
        wheel.extractall(tmp_path / 'site')
        scripts = wheel.read(next(n for n in wheel.namelist() if n.endswith('entry_points.txt')))
        scripts = scripts.decode()
        inside = {name for name in wheel.namelist() if '/.mim/' in name}
        assert 'hybrid_backbones/py.typed' in wheel.namelist()
    assert inside == {f'hybrid_backbones/.mim/{path}' for path in shipped()}
    result = subprocess.run(
        [sys.executable, '-c', READ_INSTALLED],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(tmp_path / 'site')},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert result.returncode == 0, result.stderr
    root = str(tmp_path / 'site')
    tool = subprocess.run(
        [sys.executable, str(tmp_path / 'site' / TRAIN), 'gone.py'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': root},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert tool.returncode == 2 and 'no config file gone.py' in tool.stderr
    assert 'hybrid-backbones = hybrid_backbones.cli.main:main' in scripts
    assert result.stdout.splitlines()[0].startswith(root)
    assert result.stdout.splitlines()[-1].startswith(f'{root}/hybrid_backbones/.mim/configs/')


@pytest.mark.slow
def test_source_archive(tree, tmp_path):
    command = [sys.executable, 'setup.py', '--quiet', 'sdist', '--dist-dir', str(tmp_path)]
    subprocess.run(command, cwd=tree, check=True, timeout=170)
    shutil.unpack_archive(next(tmp_path.glob('*.tar.gz')), tmp_path)
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert not [path for path in shipped() if not (unpacked / path).is_file()]
