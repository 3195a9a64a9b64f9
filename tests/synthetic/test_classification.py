"""The synthetic set in ImageNet's folders."""

from collections import Counter

import cv2
import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.synthetic import classification, write_coco, write_imagenet
from hybrid_backbones.synthetic.classification import CLASSES, SPLITS


@pytest.fixture(scope='module')
def root(mini_root):
    return write_imagenet(mini_root / 'imagenet')


def listed(root, split):
    lines = (root / 'meta' / f'{split}.txt').read_text(encoding='utf-8').splitlines()
    return [(path, int(label)) for path, label in (line.split(' ') for line in lines)]


@pytest.mark.parametrize('split', SPLITS)
def test_folders_and_lists_say_the_same(root, split):
    """Whichever of the two a dataset reads, classes have the same numbers."""
    folders = sorted(path.name for path in (root / split).iterdir())
    assert folders == list(CLASSES)
    found = listed(root, split)
    assert len(found) == len(set(found)) == SPLITS[split]
    assert all(path.split('/')[0] == folders[label] for path, label in found)
    there = sorted(path.relative_to(root / split).as_posix() for path in root.glob(f'{split}/*/*'))
    assert there == sorted(path for path, _ in found)


def test_no_class_is_rare(root):
    counts = Counter(label for _, label in listed(root, 'train'))
    assert min(counts.values()) > 0.6 * SPLITS['train'] / len(CLASSES)


def test_images(root):
    path = root / 'train' / listed(root, 'train')[0][0]
    assert cv2.imread(str(path)).shape[:2] in classification.SIDES


def test_the_same_each_time_and_other_images_in_each_split(tmp_path, monkeypatch):
    monkeypatch.setattr(classification, 'SPLITS', {'train': 6, 'val': 6})
    once, again = (write_imagenet(tmp_path / name) for name in 'ab')
    other = write_imagenet(tmp_path / 'c', seed=1)

    def content(root):
        return {path.read_bytes() for path in root.glob('*/*/*.jpg')}

    assert len(content(once)) == 12
    assert content(once) == content(again)
    assert not content(once) & content(other)


def test_another_set_is_not_replaced(tmp_path, monkeypatch):
    from hybrid_backbones.synthetic import coco

    monkeypatch.setattr(coco, 'SPLITS', {'train2017': 1, 'val2017': 1})
    write_coco(tmp_path / 'set')
    with pytest.raises(ConfigError, match='holds another mini set'):
        write_imagenet(tmp_path / 'set')
