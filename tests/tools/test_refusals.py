"""Bad input to the tools: exit status 2 and one line that says what would be right."""

import pytest

from hybrid_backbones.synthetic import write_coco
from tests.tools.commands import MASK_RCNN, PROJECT, complaint, tool

pytest.importorskip('mmdet')


def test_no_data(tmp_path):
    line = complaint(tool(tmp_path, 'train', MASK_RCNN))
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
        ('test', [MASK_RCNN, 'gone.pth', '--mini'], ['no checkpoint file gone.pth']),
        ('test', [MASK_RCNN, 'gone.pth', '--mini', '--out', 'a.json'], ['--out', '.pkl', 'a.json']),
        ('print_config', ['no_such.py'], ['no config file no_such.py']),
    ],
)
def test_arguments(tmp_path, name, arguments, parts):
    line = complaint(tool(tmp_path, name, *arguments))
    for part in parts:
        assert part in line


def test_config_that_cannot_be_read(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text('model = dict(')
    assert 'mine.py cannot be read' in complaint(tool(tmp_path, 'train', config))
    config.write_text("_base_ = ['mmgone::_base_/default_runtime.py']")
    assert 'mine.py cannot be read' in complaint(tool(tmp_path, 'train', config))


@pytest.mark.parametrize('checkpoint', ['http://127.0.0.1:9/weights.pth', 'pretrained/none.pth'])
def test_pretrained_weights_out_of_reach(tmp_path, checkpoint):
    init_cfg = {'type': 'Pretrained', 'checkpoint': checkpoint}
    options = [f'model.backbone.init_cfg.{key}={value}' for key, value in init_cfg.items()]
    line = complaint(tool(tmp_path, 'train', MASK_RCNN, '--mini', '--cfg-options', *options))
    assert checkpoint in line
    assert 'model.backbone.init_cfg=None' in line


def test_classes_that_the_data_does_not_have(tmp_path):
    """COCO's classes on a dataset of three others."""
    write_coco(tmp_path / 'coco')
    option = 'model.backbone.init_cfg=None'
    line = complaint(
        tool(tmp_path, 'train', MASK_RCNN, '--data-root', 'coco', '--cfg-options', option)
    )
    assert 'train_dataloader.dataset.metainfo.classes' in line


TRANSXNET = PROJECT / 'configs' / 'retinanet_transxnet_t_1x.py'


def test_transxnet_with_one_image(tmp_path):
    """Before training starts where the setting says so; in the last batch of an epoch, then."""
    options = ['--mini', '--cfg-options', 'train_dataloader.batch_size=1']
    line = complaint(tool(tmp_path, 'train', TRANSXNET, *options))
    for part in ('train_dataloader.batch_size', 'model.backbone.norm_eval=True'):
        assert part in line
    assert not (tmp_path / 'work_dirs').exists(), 'nothing has been built'


def test_transxnet_with_one_image_left(tmp_path):
    options = ['train_dataloader.batch_size=2', 'train_dataloader.dataset.indices=1']
    command = ('train', TRANSXNET, '--mini', '--cfg-options', *options)
    line = complaint(tool(tmp_path, *command))
    for part in ('train_dataloader.batch_sampler.drop_last=True', 'norm_eval=True'):
        assert part in line


def test_transxnet_with_one_image_and_fixed_statistics(tmp_path):
    """Nothing to refuse."""
    options = [
        'train_dataloader.batch_size=1',
        'train_dataloader.dataset.indices=1',
        'model.backbone.norm_eval=True',
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=2',
    ]
    result = tool(tmp_path, 'train', TRANSXNET, '--mini', '--cfg-options', *options)
    assert result.returncode == 0, result.stdout + result.stderr
