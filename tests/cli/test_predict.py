"""``hybrid-backbones predict``."""

import json
import shutil

import pytest
import torch

from tests.configs.common import build_model, load
from tests.inference.test_predict import COUPLE, POSE, SEGMENTATION, SKIER
from tests.tools.commands import PROJECT, tool

pytest.importorskip('mmpose')

PUBLISHED = 'maskrcnn_uniformer_s_1x'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A checkpoint as training with --mini leaves it, and two images of which one is none."""
    folder = tmp_path_factory.mktemp('predict')
    cfg = load(POSE)
    cfg.model.backbone.init_cfg = None
    torch.save(dict(state_dict=build_model(cfg).state_dict(), meta={}), folder / 'some.pth')
    (folder / 'images').mkdir()
    shutil.copyfile(SKIER, folder / 'images' / 'skier.jpg')
    (folder / 'images' / 'text.jpg').write_text('no image')
    (folder / 'broken.pth').write_text('no checkpoint')
    return folder


def test_folder(folder):
    """Status 1: a file was skipped, and is named."""
    result = tool(folder, 'predict', POSE, 'images', '--weights', 'some.pth', '--device', 'cpu')
    assert result.returncode == 1, result.stdout + result.stderr
    assert 'skipped images/text.jpg: no image, or damaged' in result.stderr
    out = f'work_dirs/{POSE}/predictions'
    assert f'wrote 1 image with predictions to {out}/vis' in result.stdout
    assert '1 of 2 files skipped' in result.stdout
    assert 'no --bboxes: each whole image was taken for one person' in result.stdout
    (person,) = json.loads((folder / out / 'preds' / 'skier.json').read_text())
    assert len(person['keypoints']) == 17
    assert (folder / out / 'vis' / 'skier.jpg').is_file()


@pytest.mark.slow
def test_one_image_and_a_path(folder):
    """Status 0."""
    config = PROJECT / 'configs' / f'{POSE}.py'
    arguments = (COUPLE, '--weights', 'some.pth', '--out', 'one', '--device', 'cpu', '--fold')
    result = tool(folder, 'predict', config, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sorted(path.suffix for path in (folder / 'one').rglob('*.*')) == ['.jpg', '.json']


def test_a_checkpoint_before_several_images(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    arguments = ('some.pth', 'images/sk*.jpg', COUPLE, '--device', 'cpu', '--score-thr', '99')
    result = command('predict', POSE, *arguments, '--out', 'several')
    assert result.status == 0, result.out + result.err
    assert 'wrote 2 images' in result.out
    assert '0 keypoints above 99; the best is ' in result.out
    shutil.rmtree(folder / 'several')


def test_refusals(command, folder, monkeypatch):
    """Status 2 and one line."""
    monkeypatch.chdir(folder)
    some = ('--weights', 'some.pth')
    for arguments, parts in (
        ([POSE, 'gone.jpg', *some], ['no image or folder gone.jpg']),
        ([POSE, 'some.pth'], ['some.pth is a checkpoint: name images after it']),
        ([POSE, 'http://127.0.0.1/a.jpg', *some], ['is an address', 'curl -LO']),
        ([POSE, 'images', '--weights', 'broken.pth'], ['broken.pth is no checkpoint, or damaged']),
        ([POSE, 'images'], ['no trained model is published for ' + POSE]),
        ([PUBLISHED, 'images'], ['open https://drive.google.com/', f'pretrained/{PUBLISHED}.pth']),
        (
            [SEGMENTATION, 'images', *some],
            ['some.pth is no checkpoint of this config'],
        ),
        (
            [POSE, 'images', *some, '--score-thr', 'nan'],
            ['--score-thr', "'nan'"],
        ),
    ):
        line = command('predict', *arguments, '--out', 'refused').refusal
        for part in parts:
            assert part in line
    assert not (folder / 'refused').exists()
