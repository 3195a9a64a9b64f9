"""Classes of a config against the categories of a file."""

import json

import pytest
from mmengine.config import Config

from hybrid_backbones.config.class_order import check_class_order
from hybrid_backbones.errors import ConfigError


@pytest.fixture
def root(tmp_path):
    categories = [dict(id=i, name=name) for i, name in ((7, 'nut'), (3, 'washer'), (5, 'bolt'))]
    image = dict(id=1, file_name='a.jpg', height=10, width=20)
    nut = dict(id=1, image_id=1, category_id=7, bbox=[1, 1, 5, 5], area=25, iscrowd=0)
    content = dict(images=[image], annotations=[nut], categories=categories)
    (tmp_path / 'train.json').write_text(json.dumps(content))
    return tmp_path


def config(root, classes, **changes):
    dataset = dict(
        type='CocoDataset',
        data_root=str(root),
        ann_file='train.json',
        metainfo=dict(classes=classes),
    )
    return Config(
        dict(default_scope='mmdet', train_dataloader=dict(dataset={**dataset, **changes}))
    )


@pytest.mark.parametrize('classes', [('nut', 'bolt'), ['nut', 'washer', 'bolt'], ('bolt',)])
def test_right(root, classes):
    check_class_order(config(root, classes), ('train_dataloader',))


@pytest.mark.parametrize(
    'classes, parts',
    [
        (('bolt', 'nut'), ['train_dataloader.dataset.metainfo.classes', "write ('nut', 'bolt')"]),
        (('nut', 'screw'), ["'screw'", "'nut', 'washer', 'bolt'"]),
    ],
)
def test_wrong(root, classes, parts):
    with pytest.raises(ConfigError) as error:
        check_class_order(config(root, classes), ('train_dataloader',))
    for part in [*parts, 'train.json']:
        assert part in str(error.value)


def test_a_string(root):
    """A file with a name a line, or a comma that was forgotten."""
    (root / 'names.txt').write_text('nut\nbolt\n')
    check_class_order(config(root, str(root / 'names.txt')), ('train_dataloader',))
    with pytest.raises(ConfigError, match=r"classes is a string.*write \('nut',\)"):
        check_class_order(config(root, 'nut'), ('train_dataloader',))


def test_what_is_not_compared(root):
    wrong = ('bolt', 'nut')
    check_class_order(config(root, wrong), ('val_dataloader',))
    check_class_order(config(root, wrong, type='VOCDataset'), ('train_dataloader',))
    check_class_order(config(root, wrong, metainfo=None), ('train_dataloader',))
    pose = config(root, wrong)
    pose.default_scope = 'mmpose'
    check_class_order(pose, ('train_dataloader',))


@pytest.mark.parametrize('content', ['{"categories": [', '[]', '{}', '{"categories": [1]}'])
def test_corrupt(root, content):
    (root / 'train.json').write_text(content)
    with pytest.raises(ConfigError, match=r'train\.json cannot be read as an annotation file'):
        check_class_order(config(root, ('nut',)), ('train_dataloader',))


def test_why(root):
    """MMDetection gives a nut the number 0, and the name that stands first in the config."""
    datasets = pytest.importorskip('mmdet.datasets')
    dataset = datasets.CocoDataset(
        data_root=str(root),
        data_prefix=dict(img='images/'),
        ann_file='train.json',
        metainfo=dict(classes=('bolt', 'nut')),
    )
    label = dataset.get_data_info(0)['instances'][0]['bbox_label']
    assert dataset.metainfo['classes'][label] == 'bolt'
