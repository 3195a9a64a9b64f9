"""Drawings of a test: each image has its file, and all are in the folder."""

import errno
import os
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from hybrid_backbones.engine.drawings import FileVisualizer, draw_into
from hybrid_backbones.errors import OutputError


class Library:
    """In place of a library's visualizer: writes what it is told to."""

    def add_datasample(self, name, image, data_sample, out_file=None, **options):
        with open(out_file, 'w', encoding='utf-8') as file:
            file.write(f'{image} {sorted(options)}')


class Poses(Library):
    skeleton = ()


def sample(path, **about):
    return SimpleNamespace(metainfo=dict(img_path=str(path), **about))


def written(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob('*') if p.is_file()}


def test_names(tmp_path):
    images, out = tmp_path / 'data' / 'val', tmp_path / 'a' / 'b' / 'out'
    visualizer = FileVisualizer(Library(), out, str(images))
    names = ('x.jpg', 'a/x.jpg', 'b/x.jpg', 'x.tif', '../../x.jpg', 'a/../../x.jpg', '/x.jpg')
    for name in names:
        visualizer.add_datasample('test', name, sample(os.path.join(images, name)), step=3)
    files = written(out)
    assert len(files) == len(names)
    assert {'x.jpg', 'a/x.jpg', 'b/x.jpg', 'x.tif.png'} < set(files)
    assert files['b/x.jpg'] == "b/x.jpg ['step']"
    assert written(tmp_path).keys() == {f'a/b/out/{name}' for name in files}, 'none elsewhere'


def test_persons(tmp_path):
    visualizer = FileVisualizer(Poses(), tmp_path / 'out', str(tmp_path))
    for number in (7, 9):
        visualizer.add_datasample('test', 0, sample(tmp_path / 'x.jpg', id=number))
    for _ in range(2):
        visualizer.add_datasample('test', 0, sample(tmp_path / 'y.png', id=[1, 2]))
    visualizer.add_datasample('test', 0, sample(tmp_path / 'z.jpg', id='../../3'))
    assert {'x_7.jpg', 'x_9.jpg', 'y_0.png', 'y_1.png'} < set(written(tmp_path / 'out'))
    assert os.listdir(tmp_path) == ['out'] and len(os.listdir(tmp_path / 'out')) == 5


def test_nothing_is_half_drawn(tmp_path):
    class FullDisk(Library):
        def add_datasample(self, name, image, data_sample, out_file=None):
            super().add_datasample(name, image, data_sample, out_file)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    visualizer = FileVisualizer(FullDisk(), tmp_path / 'out', str(tmp_path))
    with pytest.raises(OutputError, match=r'x\.jpg: No space left on device'):
        visualizer.add_datasample('test', 0, sample(tmp_path / 'x.jpg'))
    assert os.listdir(tmp_path) == []


def test_of_several_datasets(tmp_path):
    """Images of one name, in folders that two datasets have."""
    parts = [
        dict(type='A', data_root=str(tmp_path), data_prefix=dict(img=f'{name}/val', seg='masks'))
        for name in 'ab'
    ]
    cfg = Config(dict(test_dataloader=dict(dataset=dict(type='Concat', datasets=parts))))
    hook = SimpleNamespace(_visualizer=Library())
    draw_into(SimpleNamespace(cfg=cfg, hooks=[object(), hook]), tmp_path / 'out')
    for name in 'ab':
        path = tmp_path / name / 'val' / 'x.jpg'
        hook._visualizer.add_datasample('test', name, sample(path))
    assert written(tmp_path / 'out') == {'a/val/x.jpg': 'a []', 'b/val/x.jpg': 'b []'}
