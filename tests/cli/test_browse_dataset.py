"""``hybrid-backbones browse-dataset``."""

import shutil
from pathlib import Path

import cv2
import pytest

from tests.tools.commands import MASK_RCNN, PROJECT, tool

pytest.importorskip('mmdet')
REAL = Path(__file__).parents[1] / 'reference' / 'real' / 'coco'
OPTIONS = [
    'train_dataloader.dataset.ann_file=person_keypoints.json',
    'train_dataloader.dataset.data_prefix.img=images/',
    'train_dataloader.dataset.metainfo.classes=[person]',
]


def test_an_image_that_cannot_be_read(tmp_path):
    """The others are drawn, into the work directory where no other place is named."""
    shutil.copytree(REAL, tmp_path / 'data')
    (tmp_path / 'data' / 'images' / '000000000785.jpg').write_bytes(b'')
    result = tool(
        tmp_path, 'browse_dataset', MASK_RCNN, '--data-root', 'data', '--cfg-options', *OPTIONS
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert 'Traceback' not in result.stderr
    folder = Path('work_dirs', MASK_RCNN.stem, 'browse_train')
    name = folder / '0001_000000040083.png'
    lines = result.stdout.splitlines()[-3:]
    assert lines[0].startswith('data/images/000000000785.jpg: skipped: ')
    assert lines[1] == f'1 images of 2 in {folder}, the first is {name}'
    assert lines[2] == '1 of 2 are not as they should be'
    assert cv2.imread(str(tmp_path / name)).shape == (800, 1201, 3)
    assert [path.name for path in (tmp_path / folder).iterdir()] == [name.name]


@pytest.mark.slow
@pytest.mark.parametrize(
    'config',
    [
        MASK_RCNN.stem,
        'semanticfpn_uniformer_xxs_80k_ade20k',
        'topdown_hrformer_t_210e_coco_256x192',
    ],
)
def test_mini(tmp_path, config):
    path = PROJECT / 'configs' / f'{config}.py'
    result = tool(tmp_path, 'browse_dataset', path, '--mini', '--num-images', '2', '--out', 'out')
    assert result.returncode == 0, result.stdout + result.stderr
    assert '2 images of ' in result.stdout
    assert len(list((tmp_path / 'out').iterdir())) == 2


@pytest.mark.parametrize(
    'arguments, parts',
    [
        ([MASK_RCNN, '--num-images', '0'], ['--num-images', 'at least 1']),
        ([MASK_RCNN], ['data/coco', '--data-root', '--mini']),
        ([MASK_RCNN, '--data-root', 'data', '--cfg-options', *OPTIONS], ['cannot be read']),
    ],
)
def test_refusals(command, tmp_path, arguments, parts):
    shutil.copytree(REAL, tmp_path / 'data')
    (tmp_path / 'data' / 'person_keypoints.json').write_text('corrupt')
    line = command('browse-dataset', *arguments).refusal
    for part in parts:
        assert part in line
    assert [path.name for path in tmp_path.iterdir()] == ['data']
