"""Bad input to training and testing: exit status 2 and one line that says what would be right."""

import pytest

from hybrid_backbones.synthetic import write_coco
from tests.tools.commands import MASK_RCNN

pytest.importorskip('mmdet')


def test_no_data(command, tmp_path):
    line = command('train', MASK_RCNN).refusal
    for part in ('data/coco', 'annotations/instances_train2017.json', '--data-root', '--mini'):
        assert part in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'name, arguments, parts',
    [
        ('train', ['no_such.py'], ['no config file no_such.py']),
        ('train', [MASK_RCNN, '--epochs', '3'], ['--epochs']),
        ('train', [MASK_RCNN, '--mini', '--cfg-options', 'model'], ['KEY=VALUE', "'model'"]),
        ('train', [MASK_RCNN, '--mini', '--resume', 'gone.pth'], ['no checkpoint file gone.pth']),
        ('train', [MASK_RCNN, '--mini', '--cfg-options', 'train_cfg.max_epochs=0'], ['at least 1']),
        ('train', [MASK_RCNN, '--mini', '--cfg-options', 'train_cfg.max_epochs=a'], ["'a'"]),
        ('train', [MASK_RCNN, '--mini', '--cfg-options', 'custom_hooks=5'], ['must be a list']),
        ('train', [MASK_RCNN, '--mini', '--cfg-options', 'val_evaluator=5'], ['a dict or a list']),
        (
            'train',
            [MASK_RCNN, '--mini', '--cfg-options', 'train_dataloader.dataset.metainfo=5'],
            ['train_dataloader.dataset.metainfo must be a dict, got 5'],
        ),
        ('test', [MASK_RCNN, 'gone.pth', '--mini'], ['no checkpoint file gone.pth']),
        ('test', [MASK_RCNN, 'gone.pth', '--mini', '--out', 'a.json'], ['--out', '.pkl', 'a.json']),
        ('print-config', ['no_such.py'], ['no config file no_such.py']),
    ],
)
def test_arguments(command, name, arguments, parts):
    line = command(name, *arguments).refusal
    for part in parts:
        assert part in line


def test_config_that_cannot_be_read(command, tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text('model = dict(')
    assert 'mine.py cannot be read' in command('train', config).refusal
    config.write_text("_base_ = ['mmgone::_base_/default_runtime.py']")
    assert 'mine.py cannot be read' in command('train', config).refusal


def test_classes_that_the_data_does_not_have(command, tmp_path, mini_root):
    """COCO's classes on a dataset of three others."""
    (tmp_path / 'coco').symlink_to(write_coco(mini_root / 'coco'))
    option = 'model.backbone.init_cfg=None'
    line = command('train', MASK_RCNN, '--data-root', 'coco', '--cfg-options', option).refusal
    assert 'train_dataloader.dataset.metainfo.classes' in line
