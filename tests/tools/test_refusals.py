"""Training that cannot begin: exit status 2 and one line that says what would be right."""

import pytest

from tests.tools.commands import MASK_RCNN, PROJECT, complaint, tool

pytest.importorskip('mmdet')


@pytest.mark.parametrize('checkpoint', ['http://127.0.0.1:9/weights.pth', 'pretrained/none.pth'])
def test_pretrained_weights_out_of_reach(tmp_path, checkpoint):
    init_cfg = {'type': 'Pretrained', 'checkpoint': checkpoint}
    options = [f'model.backbone.init_cfg.{key}={value}' for key, value in init_cfg.items()]
    line = complaint(tool(tmp_path, 'train', MASK_RCNN, '--mini', '--cfg-options', *options))
    assert checkpoint in line
    assert 'model.backbone.init_cfg=None' in line


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
