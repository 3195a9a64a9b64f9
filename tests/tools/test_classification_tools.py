"""The commands with MMPretrain's configs, on mini data."""

import json
import pickle
import re
import sys

import cv2
import numpy as np
import pytest
import torch

from hybrid_backbones import create_backbone
from tests.tools.commands import PROJECT, tool

NAME = 'classifier_uniformer_xxs_600e_imagenet'
CONFIG = PROJECT / 'configs' / f'{NAME}.py'
# two steps and an evaluation of three images
SHORT = (
    '--cfg-options',
    'train_dataloader.dataset.indices=8',
    'val_dataloader.dataset.indices=3',
    'test_dataloader.dataset.indices=3',
    'train_dataloader.batch_size=4',
    'train_cfg.max_epochs=1',
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder in which a short training has been run."""
    pytest.importorskip('mmpretrain')
    folder = tmp_path_factory.mktemp('trained')
    result = tool(folder, 'train', CONFIG, '--mini', '--work-dir', 'work', *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r'accuracy/top1: \d', result.stdout + result.stderr)
    return folder


def test_training_goes_on(trained):
    options = [*SHORT[:-1], 'train_cfg.max_epochs=2']
    result = tool(trained, 'train', CONFIG, '--mini', '--work-dir', 'work', '--resume', *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'after iteration 2' in result.stdout + result.stderr
    assert (trained / 'work' / 'epoch_2.pth').is_file()
    assert len(list((trained / 'work').glob('best_accuracy_top1_*.pth'))) == 1


def test_test(trained, command, tmp_path):
    flags = ('--show-dir', 'drawn', '--out', 'out.pkl')
    checkpoint = trained / 'work' / 'epoch_1.pth'
    result = command('test', CONFIG, checkpoint, '--mini', *flags, *SHORT[:4])
    assert result.status == 0, result.err
    assert re.search(r'^top-1 \d+\.\d\d, top-5 \d+\.\d\d$', result.out, re.M)
    assert 'ground truth and prediction, written into the image: drawn/val/' in result.out
    assert '3 images like it in drawn' in result.out
    drawn = sorted((tmp_path / 'drawn').rglob('*.jpg'))
    for path in drawn:
        image = cv2.imread(
            str(tmp_path / 'data/mini/imagenet' / path.relative_to(tmp_path / 'drawn'))
        )
        side = min(image.shape[:2])
        top, left = ((length - side) // 2 for length in image.shape[:2])
        square = cv2.resize(image[top : top + side, left : left + side], (256, 256))
        found = cv2.imread(str(path)).astype(int)
        lower = slice(128, 256)  # the text is above
        assert abs(found[lower] - square.astype(int)[lower]).mean() < 25, 'colours in their order'
    with open(tmp_path / 'out.pkl', 'rb') as file:
        assert len(pickle.load(file)) == 3


def test_folded(trained, command):
    """The averages of weights are in the checkpoint: the hook that makes them is left out."""
    given = ('test', CONFIG, trained / 'work' / 'epoch_1.pth', '--mini')
    assert 'custom_hooks=[]' in command(*given, '--fold', *SHORT[:4]).refusal
    plain, folded = (
        command(*given, *flags, *SHORT[:4], 'custom_hooks=[]') for flags in ((), ('--fold',))
    )
    assert plain.status == folded.status == 0, folded.err
    assert re.findall(r'^top-1 .*', plain.out, re.M) == re.findall(r'^top-1 .*', folded.out, re.M)


def test_predict(trained, command, tmp_path):
    checkpoint = trained / 'work' / 'epoch_1.pth'
    (image, *_) = sorted((trained / 'data/mini/imagenet/val/disc').iterdir())
    result = command('predict', CONFIG, checkpoint, image, '--mini', '--out', 'predicted')
    assert result.status == 0, result.err
    (file,) = (tmp_path / 'predicted' / 'preds').iterdir()
    found = json.loads(file.read_text(encoding='utf-8'))['classes']
    assert len(found) == 5
    assert sorted(each['score'] for each in found)[::-1] == [each['score'] for each in found]
    assert {each['name'] for each in found} < {
        *('disc', 'discs', 'square', 'squares', 'triangle', 'triangles')
    }
    assert list((tmp_path / 'predicted' / 'vis').iterdir())
    line = command('predict', CONFIG, checkpoint, image, '--mini', '--score-thr', '0.5').refusal
    assert 'a classifier gives the most likely classes' in line


def test_on_to_a_dense_config(trained):
    """The same file is that of a backbone; what is saved are the averages of weights."""
    checkpoint = trained / 'work' / 'epoch_1.pth'
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    backbone = create_backbone('semanticfpn_uniformer_xxs_80k_ade20k', checkpoint)
    loaded = {k: v for k, v in backbone.state_dict().items() if not k.startswith('out_norms.')}
    assert all(torch.equal(value, state[f'backbone.{key}']) for key, value in loaded.items())


def test_data(command, tmp_path):
    pytest.importorskip('mmpretrain')
    result = command('check-dataset', CONFIG, '--mini')
    assert result.status == 0, result.err
    assert '480 images of train_dataloader' in result.out
    assert 'no problems' in result.out
    result = command('browse-dataset', CONFIG, '--mini', '--num-images', '2', '--out', 'drawn')
    assert result.status == 0, result.err
    assert len(list((tmp_path / 'drawn').iterdir())) == 2


def test_faults_of_data(command, tmp_path):
    """A class that there is not, a file that is none, another number of folders."""
    pytest.importorskip('mmpretrain')
    root = tmp_path / 'mine'
    for split in ('train', 'val'):
        for name in ('bolt', 'nut'):
            (root / split / name).mkdir(parents=True)
            cv2.imwrite(str(root / split / name / '0.jpg'), np.zeros((40, 40, 3), np.uint8))
    options = ('--data-root', root, '--cfg-options')
    classes = [
        f"{part}_dataloader.dataset.metainfo.classes=('bolt','nut')"
        for part in ('train', 'val', 'test')
    ]
    result = command('check-dataset', CONFIG, *options, *classes, 'model.head.num_classes=2')
    assert result.status == 0, result.out
    line = command('check-dataset', CONFIG, '--data-root', root).refusal
    assert 'number of subfolders (2)' in line
    (root / 'train' / 'nut' / '0.jpg').write_text('none')
    (root / 'meta').mkdir()
    (root / 'meta' / 'val.txt').write_text('bolt/0.jpg 0\nnut/0.jpg 7\n')
    result = command('check-dataset', CONFIG, *options, *classes, 'model.head.num_classes=2')
    assert result.status == 2
    assert 'nut/0.jpg: has the class 7; there are 2, from 0 on' in result.err
    assert 'nut/0.jpg: is no image' in result.err


def test_without_data(command):
    pytest.importorskip('mmpretrain')
    line = command('train', CONFIG, '--work-dir', 'work').refusal
    assert 'data/imagenet/train not found' in line


def test_descriptions(command):
    pytest.importorskip('mmpretrain')
    result = command('describe', CONFIG)
    assert result.status == 0, result.err
    for part in ('10.2 M', 'an image of 224x224', 'ImageNet, data/imagenet', '600 epochs'):
        assert part in result.out
    result = command('training-memory', CONFIG)
    assert result.status == 0, result.err
    assert '2 x 224x224' in result.out
    assert command('print-config', CONFIG).status == 0


def test_drop_in(command):
    pytest.importorskip('mmpretrain')
    line = command('drop-in', CONFIG, '--backbone', 'cvt_13').refusal
    assert f'{NAME}.py is for a classifier' in line


def test_grad_cam(command, tmp_path):
    pytest.importorskip('mmpretrain')
    image = tmp_path / 'image.jpg'
    cv2.imwrite(str(image), np.full((64, 64, 3), 99, np.uint8))
    config = 'classifier_conformer_ti_300e_imagenet'
    result = command('visualize', 'cam', config, '--image', image, '--out', 'cam.png')
    assert result.status == 0, result.err
    assert (tmp_path / 'cam.png').is_file()


def test_without_mmpretrain(command, monkeypatch):
    """It is optional, and one line says how to get it."""
    monkeypatch.setattr('mmengine.config.config.is_installed', lambda name: False)
    monkeypatch.setitem(sys.modules, 'mmpretrain', None)
    for arguments in (('describe', NAME), ('train', NAME, '--mini', '--work-dir', 'work')):
        line = command(*arguments).refusal
        assert "needs MMPretrain: pip install 'hybrid_backbones[openmmlab,mmpretrain]'" in line


def test_it_learns(tmp_path):
    """Far more images are told right than by chance, which is one in six."""
    pytest.importorskip('mmpretrain')
    result = tool(tmp_path, 'train', CONFIG, '--mini', '--work-dir', 'work', timeout=1200)
    assert result.returncode == 0, result.stdout + result.stderr
    found = re.findall(r'accuracy/top1: (\d+\.\d+)', result.stdout + result.stderr)
    assert float(found[-1]) > 35
