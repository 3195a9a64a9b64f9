"""The semantic sets, read back by MMSegmentation's own datasets and base configs."""

import json

import cv2
import numpy as np
import pytest
from mmengine.hub import get_config
from mmengine.registry import DefaultScope

from hybrid_backbones import synthetic as mini
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.synthetic import segmentation
from hybrid_backbones.synthetic.scenes import SHAPES, draw_scene

pytest.importorskip('mmseg')

IGNORED = 255  # as MMSegmentation has it after loading
SETS = {  # layout, writer, base config
    'ade20k': (segmentation.ADE20K, mini.write_ade20k, 'ade20k'),
    'pascal_context': (
        segmentation.PASCAL_CONTEXT,
        mini.write_pascal_context,
        'pascal_context_59',
    ),
    'cityscapes': (segmentation.CITYSCAPES, mini.write_cityscapes, 'cityscapes'),
    'coco_stuff10k': (segmentation.COCO_STUFF10K, mini.write_coco_stuff10k, 'coco-stuff10k'),
}


@pytest.fixture(scope='module', params=SETS)
def written(request, mini_root):
    """Layout, root, base config."""
    layout, write, base = SETS[request.param]
    root = write(mini_root / request.param)
    return layout, root, get_config(f'mmseg::_base_/datasets/{base}.py')


def build(cfg, root, split):
    from mmseg.registry import DATASETS
    from mmseg.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    dataset = cfg[f'{split}_dataloader'].dataset
    dataset.data_root = str(root)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(dataset)


def pixels_of(scene, kind):
    """What ``draw_scene`` says is ground (``kind`` None) or a kind of shape."""
    masks = [s.mask for s in scene.shapes if kind is None or s.kind == kind]
    mask = np.any([np.zeros(scene.image.shape[:2], bool), *masks], axis=0)
    return ~mask if kind is None else mask


def labels_of(info):
    """A label file as the dataset's own transform loads it."""
    from mmseg.datasets.transforms import LoadAnnotations

    return LoadAnnotations()(dict(info))['gt_seg_map']


@pytest.mark.parametrize('split', ['train', 'val'])
def test_read_back(written, split):
    layout, root, cfg = written
    dataset = build(cfg, root, split)
    assert len(dataset) == segmentation.SPLITS[split]
    names = dataset.metainfo['classes']
    first = 0 if split == 'train' else segmentation.SPLITS['train']
    found, partly = set(), 0
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        labels = labels_of(info)
        picture = cv2.imread(info['img_path'])
        assert picture.shape == (*labels.shape, 3)
        values = set(np.unique(labels).tolist())
        found |= values
        ignored = labels == IGNORED
        if partly_ignored := bool(ignored.any()):
            assert 0.1 < ignored.mean() < 0.15
        partly += partly_ignored
        if i < 12:  # the classes are where the shapes are
            number = first + i + 1
            scene = draw_scene(
                number - 1,
                crowd=number % segmentation.CROWD_EVERY == 5,
                sides=layout.sides,
            )
            assert np.abs(picture.astype(int) - scene.image).mean() < 4
            for kind, drawn in ((None, 'ground'), *enumerate(SHAPES)):
                expected = pixels_of(scene, kind) & ~ignored
                assert {names[v] for v in labels[expected]} <= {layout.classes[drawn]}
    assert partly == len(dataset) // segmentation.BAND_EVERY
    assert {names[v] for v in found - {IGNORED}} == set(layout.classes.values())


def test_ids_are_those_of_the_public_set(written):
    layout, root, cfg = written
    dataset = build(cfg, root, 'val')
    shift = int(dataset.reduce_zero_label)
    names = dataset.metainfo['classes']
    assert layout.ids == {name: names.index(name) + shift for name in layout.ids}
    assert set(layout.ids) == set(layout.classes.values())
    assert layout.unlabelled == (0 if shift else IGNORED)


@pytest.mark.parametrize('split', ['train', 'val'])
def test_pipelines_of_the_base_config_run(written, split):
    _, root, cfg = written
    sample = build(cfg, root, split)[3]  # the fourth has pixels without label
    assert sample['inputs'].ndim == 3
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.ndim == 3
    assert len(np.unique(labels)) > 1


def test_every_side_is_unlabelled_in_turn():
    edges = {'top': set(), 'left': set(), 'bottom': set(), 'right': set()}
    for side in range(4):
        labels = np.ones((100, 200), np.uint8)
        segmentation._edge(labels, side)[...] = 0
        edges['top'].add(labels[0].max() == 0)
        edges['bottom'].add(labels[-1].max() == 0)
        edges['left'].add(labels[:, 0].max() == 0)
        edges['right'].add(labels[:, -1].max() == 0)
        assert labels.mean() == pytest.approx(1 - segmentation.BAND)
    assert all(seen == {True, False} for seen in edges.values())


def contents(root):
    return {
        path.relative_to(root): path.read_bytes()
        for path in root.rglob('*')
        if path.is_file() and path.name != 'mini.json'
    }


def test_same_seed_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(segmentation, 'SPLITS', {'train': 6, 'val': 3})
    for name, (_, write, _) in SETS.items():
        first = contents(write(tmp_path / name))
        assert contents(write(tmp_path / f'{name}-again')) == first
        other = contents(write(tmp_path / f'{name}-other', seed=1))
        assert other.keys() == first.keys()
        assert not set(other.values()) & {v for v in first.values() if len(v) > 1000}


def test_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(segmentation, 'SPLITS', {'train': 2, 'val': 1})
    root = mini.write_ade20k(tmp_path / 'ade')
    stamp = (root / 'mini.json').stat().st_mtime_ns
    assert mini.write_ade20k(root) == root
    assert (root / 'mini.json').stat().st_mtime_ns == stamp
    with pytest.raises(ConfigError, match='holds another mini set'):
        mini.write_cityscapes(root)
    assert json.loads((root / 'mini.json').read_text())['set'] == 'ade20k'
    mini.write_ade20k(root, seed=1)
    assert json.loads((root / 'mini.json').read_text())['seed'] == 1
    assert [p.name for p in tmp_path.iterdir()] == ['ade']
