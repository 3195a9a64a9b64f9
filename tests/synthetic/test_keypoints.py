"""The keypoint set: what is drawn is what is written, read back by xtcocotools and MMPose."""

import json
from collections import defaultdict

import cv2
import numpy as np
import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.synthetic import keypoints, write_coco, write_coco_keypoints
from hybrid_backbones.synthetic.keypoints import DETECTIONS, FIGURES, OBJECTS, SKELETON
from hybrid_backbones.synthetic.persons import COVERED, JOINTS, OUTSIDE, SEEN, Figure, pose_figure
from hybrid_backbones.synthetic.scenes import draw_scene


@pytest.fixture(scope='module')
def root(mini_root):
    return write_coco_keypoints(mini_root / 'coco_keypoints')


@pytest.fixture(scope='module')
def truth(root):
    """xtcocotools' reader of the validation part."""
    coco = pytest.importorskip('xtcocotools.coco')
    return coco.COCO(root / 'annotations' / 'person_keypoints_val2017.json')


@pytest.fixture(scope='module')
def figures():
    """Lists of the figures of some scenes."""
    return [draw_scene(seed, OBJECTS, max_figures=FIGURES).figures for seed in range(60)]


def test_visibility_says_what_is_seen():
    mask = np.zeros((4, 6), bool)
    mask[1, 2] = True
    joints = np.array([[2, 1], [1, 2], [-1, 1], [6, 1], [2, 4], [2, -1]])
    flags = Figure(joints, mask).visibility
    assert flags.tolist() == [SEEN, COVERED, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE]


def test_joints_lie_on_their_figure_before_others_cover_it():
    rng = np.random.default_rng(0)
    for _ in range(40):
        figure, _ = pose_figure(rng, (384, 384))
        assert set(figure.visibility) <= {OUTSIDE, SEEN}


def test_figures_of_a_scene(figures):
    assert {len(f) for f in figures} == set(range(1, FIGURES + 1))
    flags = np.concatenate([f.visibility for scene in figures for f in scene])
    assert np.bincount(flags).min() > 50, 'each flag is used'
    for scene in figures:
        masks = np.array([f.mask for f in scene])
        assert masks.sum(0).max() == 1
        for figure in scene:
            x, y = figure.joints[figure.visibility == SEEN].T
            assert figure.mask[y, x].all()
        for i, figure in enumerate(scene):  # the farthest first
            x, y = figure.joints[figure.visibility == COVERED].T
            assert masks[i + 1 :, y, x].any(0).all()


def test_figures_stand_before_the_shapes():
    covered = 0
    for seed in range(20):
        scene = draw_scene(seed, max_objects=5, max_figures=2)
        masks = [o.mask for o in (*scene.shapes, *scene.figures)]
        assert np.sum(masks, axis=0).max() == 1
        covered += any(
            cv2.dilate(s.mask.astype(np.uint8), np.ones((3, 3)))[f.mask].any()
            for s in scene.shapes
            for f in scene.figures
        )
    assert covered > 5


def test_left_limbs_are_right_in_the_image(figures):
    """What tells the sides apart has to hold in mirrored images too: not a fixed colour."""
    left_is_blue = []
    for scene in figures:
        for figure in scene:
            points = dict(zip(JOINTS, figure.joints))
            for name in ('eye', 'ear', 'shoulder', 'hip'):
                assert points[f'left_{name}'][0] > points[f'right_{name}'][0]
    for seed in range(40):
        scene = draw_scene(seed, 0, max_figures=1)
        middle = scene.figures[0].joints[[5, 7]].mean(0).astype(int)  # of the left upper arm
        seen = (middle >= 0).all() and (middle < scene.image.shape[1::-1]).all()
        if seen and scene.figures[0].mask[middle[1], middle[0]]:
            blue, _, red = scene.image[middle[1], middle[0]].astype(int)
            left_is_blue.append(bool(blue > red))
    assert 0.25 < np.mean(left_is_blue) < 0.75


@pytest.mark.parametrize('split', ['train2017', 'val2017'])
def test_annotations(root, split):
    content = json.loads((root / 'annotations' / f'person_keypoints_{split}.json').read_text())
    assert len(content['images']) == keypoints.SPLITS[split]
    sizes = {}
    for image in content['images']:
        picture = cv2.imread(str(root / split / image['file_name']))
        assert picture.shape == (image['height'], image['width'], 3)
        sizes[image['id']] = (image['width'], image['height'])
    for annotation in content['annotations']:
        joints = np.array(annotation['keypoints']).reshape(17, 3)
        flags = joints[:, 2]
        assert annotation['num_keypoints'] == (flags > 0).sum() > 0
        assert (joints[flags == 0] == 0).all()
        assert (joints[flags > 0, :2] < sizes[annotation['image_id']]).all()
        x, y, width, height = annotation['bbox']
        seen = joints[flags == SEEN, :2]
        assert (seen >= (x, y)).all()
        assert (seen < (x + width, y + height)).all()
        assert 0.1 * width * height < annotation['area'] < width * height
    assert {a['image_id'] for a in content['annotations']} == set(sizes)


def test_category_is_cocos():
    """Names, and a skeleton that is the same to the left and to the right."""
    names = [{JOINTS[a - 1], JOINTS[b - 1]} for a, b in SKELETON]
    for bone in names:
        mirrored = {
            name.replace('left', '?').replace('right', 'left').replace('?', 'right')
            for name in bone
        }
        assert mirrored in names


def test_joints_are_mmposes(root):
    pytest.importorskip('mmpose')
    from mmpose.datasets.datasets.body import CocoDataset
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    info = parse_pose_metainfo(CocoDataset.METAINFO)
    assert [info['keypoint_id2name'][i] for i in range(17)] == list(JOINTS)
    assert {frozenset(link) for link in info['skeleton_links']} == {
        frozenset((a - 1, b - 1)) for a, b in SKELETON
    }


@pytest.mark.parametrize('boxes', ['truth', 'detections'])
def test_read_by_mmpose(root, truth, boxes):
    pytest.importorskip('mmpose')
    from mmengine.hub import get_config
    from mmengine.registry import DefaultScope
    from mmpose.registry import DATASETS
    from mmpose.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    cfg = get_config(
        'mmpose::body_2d_keypoint/topdown_heatmap/coco/'
        'td-hm_hrformer-small_8xb32-210e_coco-256x192.py'
    )
    dataset = (cfg.train_dataloader if boxes == 'truth' else cfg.val_dataloader).dataset
    dataset.data_root = str(root)
    if boxes == 'detections':
        dataset.bbox_file = str(root / DETECTIONS)
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = DATASETS.build(dataset)
    if boxes == 'truth':
        written = json.loads((root / 'annotations' / 'person_keypoints_train2017.json').read_text())
        assert len(dataset) == len(written['annotations'])
    else:
        assert len(dataset) > len(truth.anns)
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 256, 192)


def test_detections_overlap_the_truth(root, truth):
    from xtcocotools import mask

    detections = json.loads((root / DETECTIONS).read_text())
    scores, false = [], 0
    per_image = defaultdict(list)
    for detection in detections:
        assert 0 < detection['score'] < 1
        assert detection['category_id'] == 1
        per_image[detection['image_id']].append(detection)
    for image_id in truth.imgs:
        found = per_image[image_id]
        persons = truth.imgToAnns[image_id]
        overlap = mask.iou(
            np.array([d['bbox'] for d in found], float),
            np.array([a['bbox'] for a in persons], float),
            [0] * len(persons),
        )
        confident = np.array([d['score'] for d in found]) > 0.5
        assert confident.sum() == len(persons)
        assert overlap[confident].max(0).min() > 0.7
        assert overlap[confident].max() < 1
        false += (~confident).sum()
        scores += [d['score'] for d in found]
    assert false == -(-len(truth.imgs) // keypoints.FALSE_EVERY)
    assert len(set(scores)) > 1


@pytest.mark.parametrize(('shift', 'low', 'high'), [(0, 1.0, 1.0), (25, 0.0, 0.6)])
def test_average_precision(truth, shift, low, high):
    """Of the truth itself it is 1; of joints off by ``shift`` pixels it is not."""
    from xtcocotools.cocoeval import COCOeval

    results = []
    for annotation in truth.anns.values():
        joints = np.array(annotation['keypoints'], float).reshape(17, 3)
        joints[:, 0] += shift
        results.append(
            dict(
                image_id=annotation['image_id'],
                category_id=1,
                keypoints=joints.ravel().tolist(),
                score=1.0,
            )
        )
    evaluation = COCOeval(truth, truth.loadRes(results), 'keypoints')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert low <= evaluation.stats[0] <= high


def test_same_seed_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(keypoints, 'SPLITS', {'train2017': 4, 'val2017': 3})
    first, again = (write_coco_keypoints(tmp_path / name) for name in ('first', 'again'))
    other = write_coco_keypoints(tmp_path / 'other', seed=1)
    files = [p.relative_to(first) for p in first.rglob('*') if p.is_file()]
    assert len(files) == 4 + 3 + 2 + 2
    for name in files:
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert (first / name).read_bytes() != (other / name).read_bytes()


def test_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(keypoints, 'SPLITS', {'train2017': 1, 'val2017': 1})
    root = write_coco_keypoints(tmp_path / 'coco')
    stamp = (root / 'mini.json').stat().st_mtime_ns
    write_coco_keypoints(root)
    assert (root / 'mini.json').stat().st_mtime_ns == stamp
    with pytest.raises(ConfigError, match='holds another mini set'):
        write_coco(root)
