"""Keypoints are judged as xtcocotools judges them, to the last digit."""

import contextlib
import copy
import importlib
import io
import json
import sys

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='keypoints are judged by pycocotools')

from hybrid_backbones.openmmlab.operators.pose_evaluation import (
    PARTS,
    _coco_class,
    _eval_class,
    install_pose_evaluation,
)

COUNTS = dict(keypoints=17, foot_kpts=6, face_kpts=5, lefthand_kpts=4, righthand_kpts=3)
SIGMAS = np.linspace(0.02, 0.1, sum(COUNTS.values()))


def draw(first_id=0):
    """Annotations, some of crowds or without visible keypoints, and results near them."""
    rng = np.random.default_rng(7)
    images = [dict(id=i, crowdIndex=float(rng.random())) for i in range(12)]
    annotations, results = [], []
    for image in images:
        for _ in range(rng.integers(0, 4)):
            x, y, w, h = rng.uniform(20, 120, 4)
            made = dict(
                id=first_id + len(annotations),
                image_id=image['id'],
                category_id=1,
                bbox=[x, y, w, h],
                area=w * h * rng.uniform(0.3, 0.9),
                iscrowd=int(rng.random() < 0.1),
                num_keypoints=int(rng.integers(0, 18)),
            )
            for _ in range(rng.integers(0, 3)):
                score = float(rng.random())
                results.append(dict(image_id=image['id'], category_id=1, score=score))
            for part, count in COUNTS.items():
                points = np.stack((rng.uniform(x, x + w, count), rng.uniform(y, y + h, count)), 1)
                seen = rng.integers(0, 3, (count, 1)) * (rng.random() > 0.15)
                made[part] = np.hstack((points, seen)).reshape(-1).tolist()
                for result in results:
                    if part not in result and result['image_id'] == image['id']:
                        near = points + rng.normal(0, 6, points.shape)
                        scores = rng.random((count, 1)) * (rng.random() > 0.05)
                        result[part] = np.hstack((near, scores)).reshape(-1).tolist()
                        if part != 'keypoints' and rng.random() < 0.5:
                            result[part.replace('_kpts', '_score')] = float(rng.random())
            annotations.append(made)
    truth = dict(images=images, annotations=annotations, categories=[dict(id=1, name='person')])
    return truth, results


def sigmas_of(kind):
    sizes = list(COUNTS.values())
    starts = dict(zip(COUNTS, np.cumsum([0, *sizes])))
    return np.concatenate([SIGMAS[starts[p] : starts[p] + COUNTS[p]] for p in PARTS[kind]])


def judge(coco_class, eval_class, truth, results, kind, tmp_path, use_area=True):
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(truth))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_class(str(path))
        found = coco.loadRes(copy.deepcopy(results))
        judged = eval_class(coco, found, kind, sigmas_of(kind), use_area)
        judged.params.useSegm = None
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return np.array(judged.stats)


@pytest.fixture
def ours(tmp_path):
    classes = _coco_class(), _eval_class()
    return lambda *args, **kwargs: judge(*classes, *args, tmp_path=tmp_path, **kwargs)


@pytest.mark.parametrize('kind', PARTS)
@pytest.mark.parametrize('use_area', [True, False])
def test_it_equals_xtcocotools(ours, tmp_path, kind, use_area):
    if install_pose_evaluation() != 'xtcocotools':
        pytest.skip('xtcocotools is not installed here')
    theirs = [importlib.import_module(f'xtcocotools.{each}') for each in ('coco', 'cocoeval')]
    truth, results = draw()
    found = ours(truth, results, kind, use_area=use_area)
    expected = judge(
        theirs[0].COCO, theirs[1].COCOeval, truth, results, kind, tmp_path, use_area=use_area
    )
    assert found.tolist() == expected.tolist()
    assert len(set(found)) > 3


def test_it_equals_pycocotools_on_coco(ours, tmp_path):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, results = draw(first_id=1)
    results = [each for each in results if any(each['keypoints'][2::3])]
    for each in truth['annotations']:
        each['num_keypoints'] = sum(seen > 0 for seen in each['keypoints'][2::3])

    def eval_class(coco, found, kind, sigmas, use_area):
        judged = COCOeval(coco, found, kind)
        judged.params.kpt_oks_sigmas = sigmas
        return judged

    expected = judge(COCO, eval_class, truth, results, 'keypoints', tmp_path)
    assert ours(truth, results, 'keypoints').tolist() == expected.tolist()


def test_numbers_of_annotations_do_not_matter(ours):
    zero, results = draw(first_id=0)
    nine, _ = draw(first_id=9)
    found = [ours(each, results, 'keypoints').tolist() for each in (zero, nine)]
    assert found[0] == found[1]


def test_parts_are_judged_as_bodies_would_be(ours):
    truth, results = draw()
    for each in results:
        each['score'] = each.get('foot_score', each['score'])
    found = ours(truth, results, 'keypoints_foot')
    for each in [*truth['annotations'], *results]:
        each['keypoints'] = each['foot_kpts']
    sigmas = sigmas_of('keypoints_foot')
    coco = _coco_class()
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = coco(ann_data=truth)
        judged = _eval_class()(annotated, annotated.loadRes(results), 'keypoints', sigmas)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    over_all_areas = [0, 1, 2, 5, 6, 7]  # the area of a result is that of its body
    assert found[over_all_areas].tolist() == judged.stats[over_all_areas].tolist()


def test_perfect_and_none(ours):
    truth, _ = draw()
    for each in truth['annotations']:
        each['iscrowd'] = 0
        each['keypoints'][2::3] = [2] * 17
    results = [
        dict(image_id=a['image_id'], category_id=1, score=0.5, keypoints=a['keypoints'])
        for a in truth['annotations']
    ]
    stats = ours(truth, results, 'keypoints')
    np.testing.assert_allclose(stats[[0, 1, 2, 5, 6, 7]], 1)
    assert ours(truth, [], 'keypoints')[0] == 0


def test_crowd_is_split_by_how_crowded_images_are(ours):
    truth, results = draw()
    stats = ours(truth, results, 'keypoints_crowd')
    assert stats.shape == (9,)
    for image in truth['images']:
        image['crowdIndex'] = 0.5
    same = ours(truth, results, 'keypoints_crowd')
    assert same[:6].tolist() == stats[:6].tolist()
    assert same[6] == same[8] == -1 and same[7] == round(same[0], 4)


def test_other_kinds_are_refused():
    with pytest.raises(
        ValueError, match=r'iouType must be one of bbox, segm, keypoints.*got .ears'
    ):
        _eval_class()(iouType='ears')


def test_it_is_served_where_xtcocotools_is_missing(monkeypatch):
    for name in [each for each in sys.modules if each.split('.')[0] == 'xtcocotools']:
        monkeypatch.delitem(sys.modules, name)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: None if name == 'xtcocotools' else find(name)
    )
    before = set(sys.modules)
    try:
        assert install_pose_evaluation() == install_pose_evaluation() == 'pycocotools'
        from xtcocotools.coco import COCO
        from xtcocotools.cocoeval import COCOeval

        assert COCO(ann_data=dict(images=[], annotations=[])).anno_file == [None]
        assert COCOeval(iouType='bbox').params.iouType == 'bbox'
        mask = importlib.import_module('xtcocotools.mask')
        squares = mask.frPyObjects([[0, 0, 0, 4, 4, 4, 4, 0]], 6, 6)
        assert mask.decode(mask.merge(squares)).sum() == 16
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]
