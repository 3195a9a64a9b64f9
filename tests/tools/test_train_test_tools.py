"""tools/train.py and tools/test.py with MMSegmentation's and MMPose's configs, on mini data."""

import pickle
import re

import cv2
import pytest
import torch

from tests.tools.commands import PROJECT, complaint, tool

SEGMENTATION = PROJECT / 'configs' / 'semanticfpn_uniformer_xxs_80k_ade20k.py'
POSE = PROJECT / 'configs' / 'topdown_hrformer_t_210e_coco_256x192.py'
# two steps and an evaluation of three samples
PARTS = ('train', 'val', 'test')
INDICES = [f'{part}_dataloader.dataset.indices={3 if part != "train" else 8}' for part in PARTS]
SHORT = {
    SEGMENTATION: [*INDICES, 'train_cfg.max_iters=2', 'train_cfg.val_interval=2'],
    POSE: [
        *INDICES,
        'train_dataloader.batch_size=4',
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'default_hooks.checkpoint.interval=1',
    ],
}
CHECKPOINTS = {SEGMENTATION: 'work/iter_2.pth', POSE: 'work/epoch_1.pth'}


def call(folder, name, config, *arguments, options=()):
    changes = ('--cfg-options', *SHORT[config], *options)
    command = (name, config, *arguments, '--mini', '--work-dir', 'work', *changes)
    return tool(folder, *command)


def output_of(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def trained(tmp_path_factory, config):
    """A folder in which a short training has been run."""
    folder = tmp_path_factory.mktemp('trained')
    output_of(call(folder, 'train', config))
    return folder


@pytest.fixture(scope='module')
def segmentor(tmp_path_factory):
    pytest.importorskip('mmseg')
    return trained(tmp_path_factory, SEGMENTATION)


@pytest.fixture(scope='module')
def estimator(tmp_path_factory):
    pytest.importorskip('mmpose')
    return trained(tmp_path_factory, POSE)


def check(folder, config, summary, drawn_as):
    """Figures, images and predictions of a test; the images."""
    flags = ('--show-dir', 'images', '--out', 'out.pkl')
    output = output_of(call(folder, 'test', config, CHECKPOINTS[config], *flags))
    assert re.search(summary, output, re.M), output
    drawn = sorted(
        path for path in (folder / 'images').rglob('*') if path.suffix in ('.png', '.jpg')
    )
    assert f'{drawn_as}: {drawn[0].relative_to(folder)}\n' in output
    assert f'{len(drawn)} images like it in images' in output
    with open(folder / 'out.pkl', 'rb') as file:
        assert len(pickle.load(file)) == 3
    return drawn


def test_segmentation(segmentor):
    summary = r'^mIoU \d+\.\d\d, pixel accuracy \d+\.\d\d$'
    drawn_as = 'ground truth (left) and predictions (right)'
    drawn = check(segmentor, SEGMENTATION, summary, drawn_as)
    assert len(drawn) == 3, 'every image, where MMSegmentation draws every 50th'
    for path in drawn:
        plain = segmentor / 'data/mini/ade20k/images/validation' / path.name
        height, width = cv2.imread(str(plain)).shape[:2]
        assert cv2.imread(str(path)).shape == (height, 2 * width, 3)


def test_segmentation_with_test_time_augmentation(segmentor):
    checkpoint = CHECKPOINTS[SEGMENTATION]
    flags = ('--tta', '--show-dir', 'pictures_tta')
    options = ['test_dataloader.dataset.indices=1']  # of which twelve views are taken
    result = call(segmentor, 'test', SEGMENTATION, checkpoint, *flags, options=options)
    output = output_of(result)
    assert re.search(r'^mIoU \d+\.\d\d, pixel accuracy \d+\.\d\d$', output, re.M), output
    assert '1 images like it in pictures_tta' in output


def test_poses(estimator):
    summary = r'^keypoint AP -?\d\.\d{3}, AP50 -?\d\.\d{3}$'
    drawn = check(estimator, POSE, summary, 'predictions, one person in each image')
    assert len(drawn) == 3
    names = {path.name for path in (estimator / 'data/mini/coco_keypoints/val2017').iterdir()}
    for path in drawn:  # NAME_7.jpg is person 7, in NAME.jpg
        assert re.sub(r'_\d+\.', '.', path.name) in names


def test_poses_have_no_test_time_augmentation(estimator):
    line = complaint(call(estimator, 'test', POSE, CHECKPOINTS[POSE], '--tta'))
    assert 'tta_model' in line


def test_resume_of_poses(estimator):
    """Their checkpoints hold more kinds of values than others."""
    options = ['train_cfg.max_epochs=2', 'default_hooks.checkpoint.interval=2']
    result = call(estimator, 'train', POSE, '--resume', options=options)
    assert 'resumed epoch: 1, iter: 2' in output_of(result) + result.stderr


def test_resume_of_a_backbone_that_began_pretrained(segmentor):
    """The pretrained file is not asked for again: the checkpoint holds the backbone."""
    state = torch.load(segmentor / 'work/iter_2.pth', weights_only=False)['state_dict']
    backbone = {k[len('backbone.') :]: v for k, v in state.items() if k.startswith('backbone.')}
    torch.save(backbone, segmentor / 'pretrained.pth')
    options = [
        'train_cfg.max_iters=3',
        'model.backbone.init_cfg.type=Pretrained',
        'model.backbone.init_cfg.checkpoint=pretrained.pth',
    ]
    result = call(segmentor, 'train', SEGMENTATION, '--resume', options=options)
    assert 'resumed epoch: 0, iter: 2' in output_of(result) + result.stderr
