"""The mini set, read back by pycocotools."""

import json

import cv2
import numpy as np
import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.synthetic import coco, write_coco
from hybrid_backbones.synthetic.scenes import SHAPES, draw_scene

pytest.importorskip('pycocotools')

FEW = {'train2017': 4, 'val2017': 2}  # images


@pytest.fixture(scope='module')
def root(mini_root):
    return write_coco(mini_root / 'coco')


@pytest.mark.parametrize('split', ['train2017', 'val2017'])
def test_read_back(root, split):
    from pycocotools.coco import COCO

    read = COCO(root / 'annotations' / f'instances_{split}.json')
    assert [c['name'] for c in read.loadCats(read.getCatIds())] == list(SHAPES)
    assert {a['category_id'] for a in read.anns.values()} == {1, 2, 3}
    assert any(not read.getAnnIds(i) for i in read.imgs), 'an image without objects'
    assert any(a['iscrowd'] for a in read.anns.values())
    for image in read.imgs.values():
        picture = cv2.imread(str(root / split / image['file_name']))
        assert picture.shape == (image['height'], image['width'], 3)
    for annotation in read.anns.values():
        mask = read.annToMask(annotation).astype(bool)
        assert abs(mask.sum() - annotation['area']) <= 0.02 * annotation['area'] + 10
        x, y, w, h = annotation['bbox']
        outside = mask.copy()
        outside[y : y + h, x : x + w] = False
        assert outside.sum() == 0
        rows, cols = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
        assert abs(rows[0] - y) <= 1
        assert abs(cols[-1] + 1 - x - w) <= 1
    areas = [a['area'] for a in read.anns.values() if not a['iscrowd']]
    assert min(areas) < 64**2
    assert max(areas) > 128**2


def test_masks_of_a_scene_do_not_overlap():
    overlapping_boxes = 0
    for seed in range(30):
        masks = [shape.mask for shape in draw_scene(seed).shapes]
        assert np.sum(masks, axis=0).max(initial=0) <= 1
        boxes = [cv2.boundingRect(mask.astype(np.uint8)) for mask in masks]
        overlapping_boxes += any(
            a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
            for i, a in enumerate(boxes)
            for b in boxes[:i]
        )
    assert overlapping_boxes > 5


def test_same_seed_same_set(tmp_path, monkeypatch):
    monkeypatch.setattr(coco, 'SPLITS', FEW)
    root = write_coco(tmp_path / 'coco')
    again = write_coco(tmp_path / 'again')
    other = write_coco(tmp_path / 'other', seed=1)
    name = 'annotations/instances_val2017.json'
    assert (root / name).read_bytes() == (again / name).read_bytes()
    assert (root / name).read_bytes() != (other / name).read_bytes()
    picture = 'val2017/000000000001.jpg'
    assert (root / picture).read_bytes() == (again / picture).read_bytes()


def test_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(coco, 'SPLITS', FEW)
    root = write_coco(tmp_path / 'coco')
    stamp = (root / 'mini.json').stat().st_mtime_ns
    write_coco(root)
    assert (root / 'mini.json').stat().st_mtime_ns == stamp
    (root / 'mini.json').write_text(json.dumps({'version': 0}))
    write_coco(root)
    assert json.loads((root / 'mini.json').read_text())['version'] > 0


def test_foreign_folders_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(coco, 'SPLITS', FEW)
    root = tmp_path / 'coco'
    root.mkdir()
    (root / 'mine.txt').write_text('keep')
    with pytest.raises(ConfigError, match='is no mini set'):
        write_coco(root)
    assert [p.name for p in tmp_path.iterdir()] == ['coco']
    assert (root / 'mine.txt').read_text() == 'keep'
