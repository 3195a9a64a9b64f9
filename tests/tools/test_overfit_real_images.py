"""Two real images of COCO: what is learnt from them is right on them, and is drawn.

The drawn sets of ``--mini`` cannot show that annotations as people make them are read rightly:
polygons, joints that nobody sees, images of several sizes. A few dozen iterations from random
weights learn these two images by heart.
"""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tools.commands import PROJECT, tool

pytestmark = pytest.mark.slow

REAL = Path(__file__).parents[1] / 'reference' / 'real' / 'coco'
WALL, PERSON = 1, 13  # in the files of ADE20K, where 0 is what nobody labelled

# by heart: no augmentation, and 96 pixels where the recipe has 192
POSE = """
_base_ = ['{base}']
codec = dict(type='MSRAHeatmap', input_size=(96, 128), heatmap_size=(24, 32), sigma=1)
load = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
]
train_pipeline = [*load, dict(type='GenerateTarget', encoder=codec), dict(type='PackPoseInputs')]
test = dict(bbox_file=None, pipeline=[*load, dict(type='PackPoseInputs')])
model = dict(backbone=dict(init_cfg=None, drop_path_rate=0.0), head=dict(decoder=codec))
here = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(**here, batch_size=3, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(**here, dataset=test)
test_dataloader = dict(**here, dataset=test)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=5),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=5, end=45, T_max=40, eta_min=1e-5),
]
train_cfg = dict(max_epochs=45, val_interval=45)
default_hooks = dict(checkpoint=dict(interval=45, save_best=None), logger=dict(interval=1))
"""
SEGMENTATION = """
_base_ = ['{base}']
load = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(192, 128))]
truth = [dict(type='LoadAnnotations', reduce_zero_label=True), dict(type='PackSegInputs')]
train_pipeline = [
    load[0],
    truth[0],
    dict(type='Resize', scale=(192, 128)),
    dict(type='RandomFlip', prob=0.5),
    truth[1],
]
model = dict(backbone=dict(init_cfg=None), data_preprocessor=dict(size=(128, 192)))
here = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(**here, batch_size=2, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(**here, dataset=dict(pipeline=load + truth))
test_dataloader = dict(**here, dataset=dict(pipeline=load + truth))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=5),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=5, end=40, T_max=35, eta_min=1e-5),
]
train_cfg = dict(max_iters=40, val_interval=40)
default_hooks = dict(
    checkpoint=dict(interval=40, save_best=None), logger=dict(interval=1)
)
"""


def write_config(folder, text, name):
    path = folder / 'mine.py'
    path.write_text(text.format(base=PROJECT / 'configs' / f'{name}.py'))
    return path


def succeed(folder, *command):
    result = tool(folder, *command, '--work-dir', 'work', '--data-root', 'data')
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def losses(folder):
    scalars = next((folder / 'work').glob('*/vis_data/scalars.json'))
    steps = [json.loads(line) for line in scalars.read_text().splitlines()]
    return [step['loss'] for step in steps if 'loss' in step]


def figure(output, pattern):
    found = re.search(pattern, output, re.M)
    assert found, output
    return float(found[1])


def real_image(name):
    return cv2.imread(str(REAL / 'images' / name))


def changed(drawn, plain):
    """The share of pixels on which something was drawn; JPEG alone changes less than 40."""
    return float((cv2.absdiff(drawn, plain).max(2) > 40).mean())


def test_poses(tmp_path):
    for split in ('train2017', 'val2017'):
        shutil.copytree(REAL / 'images', tmp_path / 'data' / split)
        annotations = tmp_path / 'data' / 'annotations' / f'person_keypoints_{split}.json'
        annotations.parent.mkdir(exist_ok=True)
        shutil.copyfile(REAL / 'person_keypoints.json', annotations)
    config = write_config(tmp_path, POSE, 'topdown_uniformer_s_210e_coco_256x192')

    succeed(tmp_path, 'train', config)
    curve = losses(tmp_path)
    assert len(curve) == 45
    assert np.mean(curve[-5:]) < 0.35 * np.mean(curve[:5])

    flags = ('--show-dir', 'images', '--out', 'out.pkl')
    output = succeed(tmp_path, 'test', config, 'work/epoch_45.pth', *flags)
    assert figure(output, r'^keypoint AP (\d\.\d{3}), AP50 \d\.\d{3}$') > 0.5
    assert (tmp_path / 'out.pkl').stat().st_size > 0
    drawn = sorted((tmp_path / 'images').iterdir())
    # one image for each person of whom joints are annotated
    assert [path.name for path in drawn] == [
        *('000000000785_0.jpg', '000000040083_0.jpg', '000000040083_1.jpg')
    ]
    for path in drawn:
        plain = real_image(f'{path.stem[:-2]}.jpg')
        assert 0.005 < changed(cv2.imread(str(path)), plain) < 0.3, path
    assert f'predictions, one person in each image: {drawn[0].relative_to(tmp_path)}' in output


def write_ade20k(root):
    """The two images as ADE20K has them: persons labelled from COCO's polygons, else wall."""
    annotations = json.loads((REAL / 'person_keypoints.json').read_text())
    for split in ('training', 'validation'):
        shutil.copytree(REAL / 'images', root / 'images' / split)
        (root / 'annotations' / split).mkdir(parents=True)
        for picture in annotations['images']:
            label = np.full((picture['height'], picture['width']), WALL, np.uint8)
            for person in annotations['annotations']:
                if person['image_id'] == picture['id']:
                    for polygon in person['segmentation']:
                        corners = np.array(polygon).reshape(-1, 2).round().astype(np.int32)
                        cv2.fillPoly(label, [corners], PERSON)
            label[:8] = 0  # a strip that nobody labelled
            name = picture['file_name'].replace('.jpg', '.png')
            cv2.imwrite(str(root / 'annotations' / split / name), label)


def test_segmentation(tmp_path):
    write_ade20k(tmp_path / 'data')
    config = write_config(tmp_path, SEGMENTATION, 'semanticfpn_uniformer_xxs_80k_ade20k')

    succeed(tmp_path, 'train', config)
    curve = losses(tmp_path)
    assert len(curve) == 40
    assert np.mean(curve[-5:]) < 0.35 * np.mean(curve[:5])

    flags = ('--show-dir', 'images', '--out', 'out.pkl')
    output = succeed(tmp_path, 'test', config, 'work/iter_40.pth', *flags)
    assert figure(output, r'^mIoU (\d+\.\d\d), pixel accuracy \d+\.\d\d$') > 60
    assert re.search(r'\| +person +\| +[5-9]\d', output), output
    assert (tmp_path / 'out.pkl').stat().st_size > 0
    drawn = sorted((tmp_path / 'images').rglob('*.png'))
    assert len(drawn) == 2
    for path, name in zip(drawn, ('000000000785.jpg', '000000040083.jpg')):
        plain = real_image(name)
        both = cv2.imread(str(path))
        height, width = plain.shape[:2]
        assert both.shape == (height, 2 * width, 3), 'truth beside the prediction'
        assert changed(both[:, width:], plain) > 0.1
    assert (
        f'ground truth (left) and predictions (right): {drawn[0].relative_to(tmp_path)}' in output
    )
