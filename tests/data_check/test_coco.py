"""Annotation files with one fault each."""

import json

import pytest

from hybrid_backbones.data_check.coco import check_coco

BOX, POLYGON = [10, 20, 30, 40], [10, 20, 40, 20, 40, 60]
KEYPOINTS = [15, 25, 2, 20, 30, 1, 0, 0, 0]  # of three


def content():
    annotation = dict(id=7, image_id=1, category_id=3, bbox=[*BOX], area=600, iscrowd=0)
    annotation.update(segmentation=[[*POLYGON]], keypoints=[*KEYPOINTS], num_keypoints=2)
    return dict(
        images=[dict(id=1, file_name='a.jpg', height=80, width=100)],
        annotations=[annotation],
        categories=[dict(id=3, name='bolt')],
    )


def texts(path, **options):
    options = dict(dict(keypoints=3, masks=True), **options)
    return [problem.text for problem in check_coco(str(path), **options).problems]


def test_nothing_is_wrong(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps(content()))
    assert texts(tmp_path / 'a.json') == []
    (image,) = check_coco(str(tmp_path / 'a.json')).images
    assert image['file_name'] == 'a.jpg'


@pytest.mark.parametrize(
    'data, text',
    [
        (b'{"images": [', 'is no JSON: '),
        (b'[]', 'is no JSON object'),
        (b'\xef\xbb\xbf{}', 'begins with a byte order mark'),
        (b'{"images": [], "annotations": []}', "'categories' is no list of objects"),
        (b'{"images": {}, "annotations": [], "categories": []}', "'images' is no list"),
        (None, 'cannot be read: No such file'),
    ],
)
def test_files(data, text, tmp_path):
    if data is not None:
        (tmp_path / 'a.json').write_bytes(data)
    (found,) = texts(tmp_path / 'a.json')
    assert found.startswith(text)


NAN, INF = float('nan'), float('inf')


@pytest.mark.parametrize(
    'mask, text',
    [
        (dict(size=[80, 100], counts=[7000, 500, 500]), ''),
        (dict(size=[80, 100], counts='PPYo01'), ''),
        (dict(counts=[8000]), 'no counts and size'),
        (dict(size=[100, 80], counts=[8000]), 'of size [100, 80], and its image [80, 100]'),
        (dict(size=[80, 100], counts=[7000, 500]), 'add up to 7500 pixels'),
        (dict(size=[80, 100], counts=[7000.0, 1000]), 'not all whole numbers'),
    ],
)
def test_run_lengths(mask, text, tmp_path):
    data = content()
    data['annotations'][0]['segmentation'] = mask
    (tmp_path / 'a.json').write_text(json.dumps(data))
    found = texts(tmp_path / 'a.json')
    assert len(found) == bool(text) and all(text in each for each in found)


@pytest.mark.parametrize(
    'where, key, value, text',
    [
        ('images', 'height', None, 'image 1 has no height'),
        ('images', 'width', '100', 'image 1 has no width'),
        ('images', 'file_name', None, 'image 1 has no file_name'),
        ('images', 'id', 2, 'annotation 7 is of image 1, which is not there'),
        ('categories', 'id', 1, 'annotation 7 is of category 3, which is not there'),
        ('categories', 'id', None, 'category number 0 has no id'),
        ('annotations', 'area', None, 'annotation 7 has no area, which evaluation needs'),
        ('annotations', 'iscrowd', None, 'annotation 7 has no iscrowd, which evaluation needs'),
        ('annotations', 'bbox', [1, 2, 3], 'annotation 7: bbox is not four finite numbers'),
        ('annotations', 'bbox', [1, 2, NAN, 3], 'annotation 7: bbox is not four finite numbers'),
        ('annotations', 'bbox', [1, 2, INF, 3], 'annotation 7: bbox is not four finite numbers'),
        ('annotations', 'bbox', None, 'annotation 7: bbox is not four finite numbers'),
        ('annotations', 'bbox', [1, 2, 0, 3], 'annotation 7: bbox has no area'),
        ('annotations', 'bbox', [1, 2, 3, -3], 'annotation 7: bbox has no area'),
        ('annotations', 'bbox', [90, 2, 30, 3], 'annotation 7: bbox [90, 2, 30, 3] is 20 pixels'),
        ('annotations', 'bbox', [-9, 2, 30, 3], 'annotation 7: bbox [-9, 2, 30, 3] is 9 pixels'),
        ('annotations', 'segmentation', [[1, 2, 3, 4]], 'annotation 7: a polygon has 4 numbers'),
        ('annotations', 'segmentation', [[1, 2, 3, 4, 5, NAN]], 'annotation 7: a polygon has some'),
        ('annotations', 'segmentation', [], 'annotation 7: there is no segmentation'),
        ('annotations', 'segmentation', {'size': [1, 1]}, 'annotation 7: segmentation has no cou'),
        ('annotations', 'keypoints', [1, 2, 2], 'annotation 7: keypoints are 3 numbers, 9 would'),
        ('annotations', 'keypoints', [NAN, *KEYPOINTS[1:]], 'annotation 7: keypoints are not all'),
        ('annotations', 'keypoints', [*KEYPOINTS[:-1], 5], 'annotation 7: visibility of a keypo'),
        ('annotations', 'keypoints', None, 'annotation 7: there are no keypoints'),
        ('annotations', 'num_keypoints', None, 'annotation 7: there is no num_keypoints'),
    ],
)
def test_entries(where, key, value, text, tmp_path):
    broken = content()
    if value is None:
        del broken[where][0][key]
    else:
        broken[where][0][key] = value
    (tmp_path / 'a.json').write_text(json.dumps(broken))
    found = texts(tmp_path / 'a.json')
    assert any(each.startswith(text) for each in found), found


@pytest.mark.parametrize('what', ['image', 'annotation', 'category'])
def test_ids_twice(what, tmp_path):
    broken = content()
    entries = broken['categories' if what == 'category' else f'{what}s']
    entries.append(dict(entries[0]))
    (tmp_path / 'a.json').write_text(json.dumps(broken))
    (found,) = texts(tmp_path / 'a.json')
    assert found == f'{what} id {entries[0]["id"]} is there 2 times'


def test_what_is_not_used_is_not_looked_at(tmp_path):
    broken = content()
    for key in ('segmentation', 'keypoints', 'num_keypoints'):
        del broken['annotations'][0][key]
    (tmp_path / 'a.json').write_text(json.dumps(broken))
    assert texts(tmp_path / 'a.json', keypoints=None, masks=False) == []
    assert len(texts(tmp_path / 'a.json')) == 2


@pytest.mark.parametrize('key', ('image_id', 'category_id'))
@pytest.mark.parametrize('value', ([1], {}, '1', None))
def test_ids_of_any_kind(key, value, tmp_path):
    data = content()
    data['annotations'][0][key] = value
    (tmp_path / 'a.json').write_text(json.dumps(data))
    assert any('which is not there' in text for text in texts(tmp_path / 'a.json'))
