"""Images of what pipelines feed: the pixels that the model gets, the truth where it belongs."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.utils import digit_version

from hybrid_backbones.analysis.dataset.browse import browse
from hybrid_backbones.errors import ConfigError
from tests.tools.commands import PROJECT

for library in ('mmdet', 'mmseg', 'mmpose'):
    pytest.importorskip(library)

DETECTION = 'configs/maskrcnn_uniformer_xxs_1x.py'
MASKS = 'examples/own_masks.py'
POSE = 'configs/topdown_hrformer_t_210e_coco_256x192.py'
REAL = Path(__file__).parents[2] / 'reference' / 'real' / 'coco'


@pytest.fixture
def seen(monkeypatch):
    """The items that were drawn."""
    from hybrid_backbones.analysis.dataset.ground_truth import GroundTruthVisualizer

    items = []
    draw = GroundTruthVisualizer.draw
    monkeypatch.setattr(
        GroundTruthVisualizer, 'draw', lambda s, i, p: (items.append(i), draw(s, i, p))[1]
    )
    return items


def draw(name, out, **changes):
    """Two images of a config, drawn into ``out``."""
    return browse(str(PROJECT / name), **{'num_images': 2, 'out': str(out), **changes})


def real(split, root=REAL, **more):
    """Options that point a split to the two real images, or to what is like them."""
    dataset = dict(ann_file='person_keypoints.json', **{'data_prefix.img': 'images/'}, **more)
    options = {f'{split}_dataloader.dataset.{key}': value for key, value in dataset.items()}
    if split == 'val':
        options['val_evaluator.ann_file'] = str(root / 'person_keypoints.json')
    return options


def persons(split, size, root=REAL):
    """For a detector, at a small size, without flips."""
    at = dict(train=2, val=1)[split]
    more = {'metainfo.classes': ['person'], f'pipeline.{at}.scale': size}
    if split == 'train':
        more['pipeline.3.prob'] = 0.0
    return real(split, root, **more)


def images(folder):
    return [cv2.imread(str(path)) for path in sorted(folder.iterdir())]


def blue_first(item):
    """The model's input (3, H, W) as cv2 has images."""
    return item['inputs'].permute(1, 2, 0).numpy().clip(0, 255).astype(np.uint8)


def changed(drawn, plain):
    return float((cv2.absdiff(drawn, plain).max(2) > 20).mean())


def write_persons(root):
    """The real images, and masks of their persons, as examples/own_masks.py has them."""
    annotations = json.loads((REAL / 'person_keypoints.json').read_text())
    for split in ('train', 'val'):
        shutil.copytree(REAL / 'images', root / 'images' / split)
        (root / 'masks' / split).mkdir(parents=True)
        for image in annotations['images']:
            mask = np.zeros((image['height'], image['width']), np.uint8)
            for person in annotations['annotations']:
                if person['image_id'] == image['id']:
                    for polygon in person['segmentation']:
                        cv2.fillPoly(mask, [np.int32(polygon).reshape(-1, 2)], 1)
            cv2.imwrite(str(root / 'masks' / split / f'{Path(image["file_name"]).stem}.png'), mask)


@pytest.mark.parametrize(
    'split, options',
    [
        ('train', {'pipeline.2.scale': (256, 128), 'pipeline.3.crop_size': (96, 96)}),
        ('val', {'pipeline.1.scale': (256, 128)}),
    ],
)
def test_segmentation(tmp_path, seen, split, options):
    """The image on the left is the model's, the truth on the right has its pixels."""
    write_persons(tmp_path / 'data')
    options = {f'{split}_dataloader.dataset.{key}': value for key, value in options.items()}
    common = dict(data_root=str(tmp_path / 'data'), cfg_options=options)
    assert draw(MASKS, tmp_path / 'out', split=split, **common).problems == []
    assert len(seen) == 2
    for drawn, item in zip(images(tmp_path / 'out'), seen):
        plain = blue_first(item)
        width = plain.shape[1]
        assert np.array_equal(drawn[:, :width], plain)
        truth = item['data_samples'].gt_sem_seg.data[0].numpy()
        assert truth.shape == plain.shape[:2]
        assert (truth == 1).any() or split == 'train'
        # 'road' is orange, of which the background has nothing
        colour = drawn[:, width:].astype(int) - 0.4 * plain
        orange = (colour[..., 2] > 100) & (colour[..., 0] < 40)
        assert (orange == (truth == 1)).mean() > 0.9, "but for the classes' names"


@pytest.mark.parametrize('split', ['train', 'val'])
def test_detection(tmp_path, seen, split):
    """The truth fits the image, also where the pipeline reads it after resizing."""
    options = persons(split, (400, 200))
    common = dict(data_root=str(REAL), cfg_options=options)
    assert draw(DETECTION, tmp_path, split=split, **common).problems == []
    file = json.loads((REAL / 'person_keypoints.json').read_text())
    assert len(seen) == 2
    for drawn, item, image in zip(images(tmp_path), seen, file['images']):
        plain = blue_first(item)
        truth = item['data_samples'].gt_instances
        height, width = plain.shape[:2]
        assert drawn.shape == plain.shape
        assert truth.masks.masks.shape[1:] == (height, width)
        scale = height / image['height']
        first = next(a for a in file['annotations'] if a['image_id'] == image['id'])
        x1, y1, x2, y2 = boxes = truth.bboxes.tensor[0].tolist()
        assert np.allclose([x1, y1, x2 - x1, y2 - y1], np.array(first['bbox']) * scale, atol=1)
        x1, y1, x2, y2 = (round(side) for side in boxes)
        side = (slice(y1 + 2, y2 - 2), slice(x1 - 1, x1 + 2))
        assert changed(drawn[side], plain[side]) > 0.3, 'a side of the first box'
        inside = truth.masks.masks[0].astype(bool)
        assert changed(drawn[inside][:, None], plain[inside][:, None]) > 0.5, 'its mask'


@pytest.mark.skipif(
    digit_version(version('matplotlib')) < digit_version('3.11'),
    reason='matplotlib before 3.11 draws images up to a pixel from where they belong',
)
@pytest.mark.parametrize('split', ['train', 'val'])
def test_pixels_far_from_boxes(tmp_path, seen, split):
    """Are the model's, colours in order."""
    draw(
        DETECTION,
        tmp_path,
        split=split,
        data_root=str(REAL),
        cfg_options=persons(split, (400, 200)),
    )
    assert len(seen) == 2
    for drawn, item in zip(images(tmp_path), seen):
        plain = blue_first(item)
        far = np.ones(plain.shape[:2], bool)
        for x1, y1, x2, y2 in item['data_samples'].gt_instances.bboxes.tensor.int().tolist():
            far[max(y1 - 4, 0) : y2 + 30, max(x1 - 4, 0) : x2 + 60] = False  # names go beyond
        assert np.abs(drawn[far].astype(int) - plain[far]).mean() < 2


def test_no_object(tmp_path, seen):
    shutil.copytree(REAL, tmp_path / 'data')
    file = tmp_path / 'data' / 'person_keypoints.json'
    content = json.loads(file.read_text())
    first = content['images'][0]['id']
    content['annotations'] = [a for a in content['annotations'] if a['image_id'] != first]
    file.write_text(json.dumps(content))
    options = persons('val', (200, 100), tmp_path / 'data')
    done = draw(
        DETECTION,
        tmp_path / 'out',
        split='val',
        data_root=str(tmp_path / 'data'),
        cfg_options=options,
    )
    assert done.problems == []
    assert len(seen[0]['data_samples'].gt_instances) == 0
    assert np.array_equal(images(tmp_path / 'out')[0], blue_first(seen[0]))


def test_real_persons(tmp_path, seen):
    """As they are in the file, and cropped with heatmaps below."""
    common = dict(data_root=str(REAL), cfg_options=real('train'), num_images=9)
    done = draw(POSE, tmp_path / 'whole', stage='original', **common)
    assert (len(done.images), done.total, done.problems) == (3, 3, [])
    assert [path.name for path in sorted((tmp_path / 'whole').iterdir())] == [
        *('0000_000000000785.png', '0001_000000040083.png', '0002_000000040083.png')
    ]
    file = cv2.imread(str(REAL / 'images' / '000000000785.jpg'))
    whole = images(tmp_path / 'whole')[0]
    assert np.array_equal(whole[:30], file[:30]), 'sky above the person'
    assert changed(whole, file) > 0.01
    annotations = json.loads((REAL / 'person_keypoints.json').read_text())['annotations']
    x, y, _, height = next(a['bbox'] for a in annotations if a['image_id'] == 785)
    side = (slice(int(y) + 5, int(y + height) - 5), int(x))
    assert changed(whole[side][:, None], file[side][:, None]) > 0.9, 'its box'

    seen.clear()
    assert draw(POSE, tmp_path / 'crops', heatmaps=True, **common).problems == []
    for drawn, item in zip(images(tmp_path / 'crops'), seen):
        plain = blue_first(item)
        assert plain.shape == (256, 192, 3)
        assert drawn.shape == (512, 192, 3)
        assert 0.01 < changed(drawn[:256], plain) < 0.5
        sample = item['data_samples']
        joints = sample.gt_instances.transformed_keypoints[0]
        for heatmap, joint, weight in zip(
            sample.gt_fields.heatmaps, joints, sample.gt_instance_labels.keypoint_weights[0]
        ):
            if weight:  # the joints that are drawn are those that the model learns
                peak = np.unravel_index(heatmap.argmax(), heatmap.shape)
                assert np.abs(joint - 4 * np.array(peak[::-1])).max() <= 4


def test_boxes_of_a_detector(tmp_path, seen):
    """They have no joints: MMPose puts zeros there, which are not drawn."""
    found = [dict(image_id=785, category_id=1, bbox=[280, 40, 220, 340], score=0.9)]
    (tmp_path / 'found.json').write_text(json.dumps(found))
    options = real('val', bbox_file=str(tmp_path / 'found.json'))
    common = dict(split='val', data_root=str(REAL))
    done = draw(POSE, tmp_path / 'a', cfg_options=options, **common)
    assert done.problems == [] and done.of_detector
    assert np.array_equal(images(tmp_path / 'a')[0], blue_first(seen[0]))
    seen.clear()
    options = real('val', bbox_file=None)
    assert draw(POSE, tmp_path / 'b', cfg_options=options, **common).problems == []
    for drawn, item in zip(images(tmp_path / 'b'), seen):
        assert changed(drawn, blue_first(item)) > 0.01


def test_again_the_same(tmp_path):
    """Augmentations differ with the seed alone; the process's default scope is left as it was."""
    DefaultScope.get_instance('mine', scope_name='mine')
    for folder, seed in (('a', None), ('b', None), ('c', 1)):
        options = {**real('train'), 'randomness.seed': seed}
        draw(POSE, tmp_path / folder, data_root=str(REAL), cfg_options=options)
    a, b, c = (images(tmp_path / folder) for folder in 'abc')
    assert all(np.array_equal(x, y) for x, y in zip(a, b))
    assert not all(np.array_equal(x, y) for x, y in zip(a, c))
    assert DefaultScope.get_current_instance().scope_name == 'mine'


def test_images_that_cannot_be_read(tmp_path):
    shutil.copytree(REAL, tmp_path / 'data')
    broken = tmp_path / 'data' / 'images' / '000000040083.jpg'
    broken.write_bytes(b'no image')
    done = draw(
        POSE,
        tmp_path / 'out',
        data_root=str(tmp_path / 'data'),
        cfg_options=real('train'),
        num_images=9,
    )
    assert len(done.problems) == 2, 'two persons are on it'
    assert all(line.startswith(f'{broken}: skipped: ') for line in done.problems)
    assert (done.asked, len(done.images)) == (3, 1)
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['0000_000000000785.png']


def write_masks(root, value, size=(40, 60)):
    for kind, split in (('images', 'train'), ('masks', 'train')):
        (root / kind / split).mkdir(parents=True)
    image = np.full((40, 60, 3), 128, np.uint8)
    cv2.imwrite(str(root / 'images' / 'train' / 'a.jpg'), image)
    mask = np.zeros(size, np.uint8)
    mask[:10], mask[10:20] = value, 255
    cv2.imwrite(str(root / 'masks' / 'train' / 'a.png'), mask)


@pytest.mark.parametrize(
    'value, size, doubt',
    [
        (1, (40, 60), ''),
        (
            3,
            (40, 60),
            'the mask has the values 3, which are no classes (0 to 2) and not ignored (255)',
        ),
        (1, (20, 30), 'the image is 40x60 pixels, its mask 20x30'),
    ],
)
def test_masks_that_cannot_be_right(tmp_path, value, size, doubt):
    """MMSegmentation would end in an error of a GPU, or train on other pixels."""
    write_masks(tmp_path / 'data', value, size)
    done = draw(MASKS, tmp_path / 'out', data_root=str(tmp_path / 'data'), stage='original')
    assert len(done.problems) == bool(doubt)
    assert doubt in ''.join(done.problems)


def test_data_that_cannot_be_read(tmp_path):
    shutil.copytree(REAL, tmp_path / 'data')
    common = dict(data_root=str(tmp_path / 'data'))
    options = persons('train', (200, 100))
    wrong = {**options, 'train_dataloader.dataset.metainfo.classes': ['ship']}
    with pytest.raises(ConfigError, match=r"'ship'.*categories are 'person'"):
        draw(DETECTION, tmp_path / 'out', cfg_options=wrong, **common)
    file = tmp_path / 'data' / 'person_keypoints.json'
    file.write_text(json.dumps({**json.loads(file.read_text()), 'annotations': []}))
    with pytest.raises(ConfigError, match=r'empty.*train_dataloader\.dataset\.metainfo\.classes'):
        draw(DETECTION, tmp_path / 'out', cfg_options=options, **common)
    file.write_text('{"images": [')
    with pytest.raises(ConfigError, match='the data of train_dataloader cannot be read'):
        draw(POSE, tmp_path / 'out', cfg_options=real('train'), **common)
    assert not (tmp_path / 'out').exists()


def test_normalisation_in_a_pipeline():
    """As pipelines of before mmengine had it; the model gets other numbers, the eye the same."""
    from hybrid_backbones.analysis.dataset.ground_truth import GroundTruthVisualizer

    mean, std = [100.0, 110.0, 120.0], [50.0, 60.0, 70.0]
    red_first = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    visualizer = ConfigDict(type='mmdet.DetLocalVisualizer')
    for to_rgb in (True, False):
        step = ConfigDict(type='Normalize', mean=mean, std=std, to_rgb=to_rgb)
        pixels = red_first if to_rgb else red_first[..., ::-1]
        inputs = torch.tensor((pixels - mean) / std).permute(2, 0, 1).float()
        artist = GroundTruthVisualizer(visualizer, {}, normalisation=step)
        assert np.array_equal(artist.pixels(inputs), red_first)
    plain = torch.tensor(red_first[..., ::-1].copy()).permute(2, 0, 1)
    assert np.array_equal(GroundTruthVisualizer(visualizer, {}, None).pixels(plain), red_first)
