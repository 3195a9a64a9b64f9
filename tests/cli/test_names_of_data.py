"""Files that are named by data stay in the output folder, and each image has its own."""

import json
import shutil

import pytest
import torch

from hybrid_backbones.config.load import load_config
from hybrid_backbones.inference.images import output_names
from hybrid_backbones.openmmlab.build import build_model
from hybrid_backbones.synthetic import write_coco
from hybrid_backbones.synthetic.shrink import apply_mini
from hybrid_backbones.weights.download import cached_copy
from tests.tools.commands import MASK_RCNN

pytest.importorskip('mmdet')

ANNOTATIONS = 'annotations/instances_val2017.json'


@pytest.fixture
def own_data(mini_root, tmp_path):
    """``data/mini/coco``, whose first images lie elsewhere, under one name."""
    root = tmp_path / 'data' / 'mini' / 'coco'
    shutil.copytree(write_coco(mini_root / 'coco'), root)
    (root / 'val2017' / 'sub').mkdir()
    content = json.loads((root / ANNOTATIONS).read_text())
    names = ['../../x.jpg', 'sub/x.jpg', str(tmp_path / 'data' / 'x.jpg'), 'sub/../../x.jpg']
    for image, name in zip(content['images'], names):
        shutil.copyfile(root / 'val2017' / image['file_name'], root / 'val2017' / name)
        image['file_name'] = name
    (root / ANNOTATIONS).write_text(json.dumps(content))
    return len(names)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()}


def test_browse(command, own_data, tmp_path):
    before = files(tmp_path)
    options = ['--split', 'val', '--stage', 'original', '--num-images', own_data, '--out', 'a/b/c']
    result = command('browse-dataset', MASK_RCNN, '--mini', *options)
    assert result.status == 0, result.out + result.err
    assert files(tmp_path) - before == {f'a/b/c/{i:04}_x.png' for i in range(own_data)}


def test_drawings_of_a_test(command, own_data, tmp_path):
    cfg = load_config(MASK_RCNN)
    apply_mini(cfg, True, False)
    cfg.model.backbone.init_cfg = None
    torch.save(dict(state_dict=build_model(cfg, 'mini').state_dict()), 'weights.pth')
    before = files(tmp_path)
    options = ['--show-dir', 'a/b/c', '--work-dir', 'w', '--cfg-options']
    options += [f'test_dataloader.dataset.indices={own_data}']
    result = command('test', MASK_RCNN, 'weights.pth', '--mini', *options)
    assert result.status == 0, result.out + result.err
    made = {path for path in files(tmp_path) - before if not path.startswith('w/')}
    assert len(made) == own_data and 'a/b/c/sub/x.jpg' in made
    assert all(path.startswith(('a/b/c/x-', 'a/b/c/sub/')) for path in made)


def test_predictions(tmp_path):
    """Two endings, and a name that is another's with its ending."""
    names = ['a.jpg', 'a.png', 'a.jpg.jpg', 'b.jpg', 'c\\d.jpg']
    found = output_names([tmp_path / name for name in names])
    assert len(set(found.values())) == len(names)
    assert found[tmp_path / 'b.jpg'] == 'b'


@pytest.mark.parametrize('path', ['..', '../../x.pth', 'a\\..\\..\\x.pth', 'x' * 400, 'C:x.pth'])
def test_downloads(path, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    copy = cached_copy(f'https://example.com/{path}')
    assert copy.parent == tmp_path / 'hub' / 'checkpoints'
    assert copy.resolve() == copy and not copy.exists()
