"""Accuracy of weights whose answers are known."""

import json

import pytest

from tests.analysis.accuracy.drawn import CLASSES, WORDNET_IDS, draw, flat, folders, save_rising
from tests.tools.commands import tool

NAME = 'uniformer_xxs'
FILE = 'uniformer_xxs_128.pth'  # top-1 76.8, as published


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return save_rising(tmp_path_factory.mktemp('weights') / FILE)


def test_accuracy(command, tmp_path, weights):
    """Two of eight are of the best class, five of the best five."""
    folders(tmp_path / 'val')
    arguments = ('validate', NAME, '--weights', weights, '--imagenet', 'val', '--workers', 0)
    result = command(*arguments, '--batch', 3)
    assert result.status == 0, result.err
    assert f'{NAME}, {FILE}\n8 images at 128x128, centre of images resized to 146' in result.out
    assert 'top-1 25.00, top-5 62.50; published top-1 76.8: differs' in result.out
    done = tool(tmp_path, 'validate', *arguments[1:], '--json')
    assert '334 of 334 tensors loaded' in done.stderr
    found = json.loads(done.stdout)
    assert (found['top1'], found['top5'], found['images']) == (25, 62.5, 8)
    assert (found['published'], found['agrees'], found['size']) == (76.8, False, 128)


def test_labels_in_a_file_and_worker_processes(command, tmp_path, weights):
    flat(tmp_path / 'images')
    lines = [f'ILSVRC2012_val_{i:08}.JPEG {number}' for i, number in enumerate(CLASSES)]
    (tmp_path / 'mine.txt').write_text('\n'.join(lines))
    arguments = ('validate', NAME, '--weights', weights, '--imagenet', 'images')
    result = command(*arguments, '--labels', 'mine.txt', '--workers', 1)
    assert 'top-1 25.00, top-5 62.50' in result.out
    # every other one: classes 0, 1, 4, 300
    result = command(*arguments, '--labels', 'mine.txt', '--num-images', 4, '--workers', 0)
    assert '4 of 8 images' in result.out and 'published top-1 76.8, of all images' in result.out
    assert 'top-1 25.00, top-5 75.00' in result.out


def test_unreadable_images(command, tmp_path, weights):
    """Each is named once, and the others count."""
    root = folders(tmp_path / 'val')
    (root / WORDNET_IDS[0] / 'bad.JPEG').write_text('no image')
    whole = root / WORDNET_IDS[0] / 'cut.JPEG'
    draw(whole)
    whole.write_bytes(whole.read_bytes()[:-500])
    arguments = ('validate', NAME, '--weights', weights, '--imagenet', 'val', '--workers', 0)
    result = command(*arguments)
    assert result.status == 1
    for name in ('bad.JPEG', 'cut.JPEG'):
        (line,) = [line for line in result.err.splitlines() if name in line]
        assert line.startswith('left out val/')
    assert '8 of 10 images' in result.out and '2 files could not be read' in result.out
    assert 'top-1 25.00' in result.out


def test_no_published_number(command, tmp_path, weights):
    folders(tmp_path / 'val')
    (tmp_path / 'mine.pth').symlink_to(weights)
    arguments = ('validate', NAME, '--weights', 'mine.pth', '--imagenet', 'val', '--workers', 0)
    result = command(*arguments, '--size', 64, '--num-images', 1)
    assert 'images at 64x64' in result.out
    assert 'no published number is known for this file' in result.out


@pytest.mark.parametrize(
    'arguments, part',
    [
        ((NAME,), '--imagenet'),
        (('resnet50', '--imagenet', '.'), "no backbone 'resnet50'"),
        ((NAME, '--imagenet', 'gone', '--weights', 'a.pth'), 'no folder gone'),
        ((NAME, '--imagenet', '.', '--weights', 'a.pth'), 'neither images nor a folder'),
        ((NAME, '--imagenet', '.', '--device', 'tpu9x'), '--device must be cpu'),
        ((NAME, '--imagenet', '.', '--workers', '-1'), '--workers must be 0 or more, got -1'),
        ((NAME, '--imagenet', '.', '--batch', '0'), 'a whole number of at least 1'),
    ],
)
def test_refusals(command, arguments, part):
    assert part in command('validate', *arguments).refusal


def test_weights_without_a_classifier(command, tmp_path):
    folders(tmp_path / 'val')
    line = command('validate', NAME, '--weights', 'a.pth', '--imagenet', 'val').refusal
    assert 'no checkpoint file a.pth' in line
