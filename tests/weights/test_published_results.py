"""What published models find, at the end of their test code, against the authors' code.

Boxes after NMS, masks pasted into the image, label maps, keypoints; weights are drawn, so that
thousands of boxes have nearly equal scores.
"""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.structures import InstanceData

from hybrid_backbones.openmmlab.library import in_scope
from tests.reference import deterministic
from tests.weights.test_published_pipelines import photo, sample
from tests.weights.test_whole_models import ROOT, compare, load, recorded, write

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

FINAL = {path.stem.partition('@')[0] for path in (ROOT / 'golden').glob('*@final.npz')}
POSES = sorted({p.stem.partition('@')[0] for p in (ROOT / 'golden').glob('*topdown*@*x*.npz')})
POSES = [name for name in POSES if not name.startswith('pipeline-')]
BOX, SCORE = 0.15, 1e-4  # pixels; share of 1


def extended(names, quick=()):
    marks = (pytest.mark.slow, pytest.mark.extended)
    return [pytest.param(n, marks=() if n in quick else marks) for n in sorted(names)]


def final(name):
    (arrays,) = (arrays for tag, arrays in recorded(name) if tag == 'final')
    return arrays, json.loads(str(arrays['meta']))


def share_found(theirs, ours):
    """How many of their boxes are among ours: place, class and score."""
    found = 0
    for box in theirs:
        same = (np.abs(ours[:, :4] - box[:4]).max(1) < BOX) & (ours[:, 5] == box[5])
        found += bool((same & (np.abs(ours[:, 4] - box[4]) < SCORE)).any())
    return found / len(theirs)


@pytest.mark.parametrize(
    'name',
    extended([n for n in FINAL if 'rcnn' in n or 'retina' in n], quick=['maskrcnn_uniformer_s_1x']),
)
def test_boxes(name, tmp_path):
    from mmdet.structures import DetDataSample

    arrays, meta = final(name)
    info = meta['metainfo']
    _, model, _, _ = load(name, write(name, tmp_path))
    two_stage = model.test_cfg.get('rcnn')
    (two_stage or model.test_cfg).score_thr = meta['score_thr']
    heads = [getattr(model, 'roi_head', None), getattr(model, 'bbox_head', None)]
    for head in filter(None, heads):
        head.test_cfg.score_thr = meta['score_thr']
    described = DetDataSample(
        metainfo=dict(
            ori_shape=info['ori_shape'][:2],
            img_shape=info['img_shape'][:2],
            pad_shape=info['pad_shape'][:2],
            batch_input_shape=info['batch_input_shape'],
            scale_factor=info['scale_factor'][:2],
        )
    )
    image = torch.from_numpy(deterministic.image(128, 160, 1))
    with torch.no_grad():
        (result,) = model.predict(image, [described], rescale=True)
    found = result.pred_instances
    ours = torch.cat(
        [found.bboxes, found.scores[:, None], found.labels[:, None].float()], dim=1
    ).numpy()
    theirs = arrays['dets']
    assert len(ours) == len(theirs)
    assert share_found(theirs, ours) >= (0.98 if 'retina' in name else 1)
    if 'masks' in arrays:
        areas = sorted(found.masks.sum((1, 2)).tolist())
        np.testing.assert_allclose(areas, sorted(arrays['masks'][:, 0]), rtol=0.01, atol=2)


@pytest.mark.parametrize(
    'name', extended([n for n in FINAL if n.startswith(('upernet', 'semanticfpn', 'ocr'))])
)
def test_labels(name, tmp_path):
    """OCR's logits are resized bilinearly here, bicubically there."""
    from mmseg.structures import SegDataSample

    arrays, meta = final(name)
    _, model, _, _ = load(name, write(name, tmp_path))
    shapes = dict(ori_shape=meta['ori_shape'][:2], img_shape=(128, 160), pad_shape=(128, 160))
    image = torch.from_numpy(deterministic.image(128, 160, 1))
    with torch.no_grad():
        (result,) = model.predict(image, [SegDataSample(metainfo=shapes)])
    equal = (result.pred_sem_seg.data[0].numpy() == arrays['labels']).mean()
    assert equal >= (0.99 if name.startswith('ocr') else 0.9999)


@pytest.mark.parametrize(
    'name', extended([p.stem[len('chain-') :] for p in (ROOT / 'golden').glob('chain-*.npz')])
)
def test_from_a_photo_to_labels(name, tmp_path):
    """Pipeline, settings of the file, network and resizing."""
    name, _, size = name.partition('@')
    arrays = np.load(ROOT / 'golden' / f'chain-{name}@{size}.npz')
    cfg, model, _, _ = load(name, write(name, tmp_path))
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), photo(*map(int, size.split('x'))))
    steps = [t for t in cfg.test_dataloader.dataset.pipeline if t.type != 'LoadAnnotations']
    with torch.no_grad(), in_scope('mmseg'):
        (result,) = model.test_step(pseudo_collate([Compose(steps)(sample(cfg, path, {}))]))
    equal = (result.pred_sem_seg.data[0].numpy() == arrays['labels']).mean()
    assert equal >= 0.99


@pytest.mark.parametrize('name', extended(POSES))
def test_keypoints(name, tmp_path):
    """But for the outer rows and columns, where MMPose 0 refined on both axes or none."""
    from mmpose.structures import PoseDataSample

    (arrays,) = (arrays for _, arrays in recorded(name))
    meta = json.loads(str(arrays['meta']))
    _, model, _, _ = load(name, write(name, tmp_path))
    height, width = (int(n) for n in next(iter(recorded(name)))[0].split('x'))
    scale = np.array(meta['decode']['scale'], np.float32) * meta['decode']['pixel_std']
    centre = np.array(meta['decode']['center'], np.float32)
    flipped = list(range(17))
    for left, right in meta['decode']['flip_pairs']:
        flipped[left], flipped[right] = right, left
    described = PoseDataSample(
        metainfo=dict(
            input_size=(width, height),
            input_center=centre,
            input_scale=scale,
            flip_indices=flipped,
        )
    )
    described.gt_instances = InstanceData(
        bboxes=np.zeros((1, 4), np.float32), bbox_scores=np.ones(1, np.float32)
    )
    model.test_cfg.output_heatmaps = True
    image = torch.from_numpy(deterministic.image(height, width, 1))
    with torch.no_grad():
        (result,) = model.predict(image, [described])
    heatmaps = result.pred_fields.heatmaps[None]
    assert compare({'heatmap_flip': heatmaps}, arrays, 1e-4) == 1
    found = result.pred_instances
    ours = np.concatenate([found.keypoints[0], found.keypoint_scores[0][:, None]], 1)
    theirs = np.empty(51, np.float32)
    theirs[arrays['keypoints/positions']] = arrays['keypoints/values']
    theirs = theirs.reshape(17, 3)
    np.testing.assert_allclose(ours[:, 2], theirs[:, 2], rtol=1e-3, atol=1e-4)
    pixel = scale / (width // 4, height // 4)
    place = (ours[:, :2] - (centre - 0.5 * scale)) / pixel
    inside = ((place > 2) & (place < np.array([width // 4, height // 4]) - 3)).all(1)
    difference = np.abs(ours[:, :2] - theirs[:, :2]) / pixel
    certain = np.array(meta['top1_minus_top2']) > 1e-4
    assert difference[inside & certain].max(initial=0) < 0.01
    assert difference[certain].max() < 0.3
