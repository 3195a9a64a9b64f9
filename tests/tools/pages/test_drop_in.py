"""Trying many configs: results are kept, alike models are run once, and the table counts."""

import pytest

from hybrid_backbones.errors import ConfigError
from tools.pages.drop_in import (
    NOT_TRIED,
    PAGE,
    PART,
    read_results,
    shipped_configs,
    short_reason,
    structure,
    sweep,
    table,
)
from tools.pages.marked import read_page

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

R50 = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
ALIKE = 'mmdet::retinanet/retinanet_r50_fpn_2x_coco.py'
LIGHT = 'mmseg::erfnet/erfnet_fcn_4xb4-160k_cityscapes-512x1024.py'


def run(folder, only):
    return sweep(only, folder)


def test_shipped_configs():
    names = list(shipped_configs())
    assert {R50, ALIKE, LIGHT} < set(names) and len(names) == len(set(names))
    assert not [name for name in names if '_base_' in name]
    assert list(shipped_configs('mmdet::retinanet/retinanet_r50_fpn_1')) == [R50]


def test_results_are_kept(tmp_path, capsys):
    (first,) = run(tmp_path, R50[:-3])
    assert first['ok'] and first['checked'] == 'run' and first['backbone']
    file = tmp_path / 'results.jsonl'
    file.write_text(file.read_text() + '{"config": "cut o')  # as after a kill
    assert list(read_results(file)) == [R50]
    capsys.readouterr()
    assert run(tmp_path, R50[:-3]) == [first]
    assert capsys.readouterr().out == 'mmdet: 1 of 1\n', 'nothing is tried again'
    (second,) = run(tmp_path, ALIKE[:-3])
    assert second['ok'] and second['checked'] == f'as {R50}'
    assert list(read_results(file)) == [R50, ALIKE]


def test_reasons_are_kept(tmp_path):
    (result,) = run(tmp_path, LIGHT[:-3])
    assert not result['ok'] and result['reason'].startswith('the backbone gives strides')


def test_structure():
    """Numbers of classes and losses make no other model, channels do."""
    head = dict(type='RetinaHead', num_classes=80, in_channels=256, loss_cls=dict(type='FocalLoss'))
    model = dict(neck=dict(type='FPN', out_channels=256), bbox_head=head)
    other = dict(model, bbox_head=dict(head, num_classes=3, loss_cls=dict(type='GHMC')))
    assert structure(model) == structure(other)
    assert structure(model) != structure(dict(model, neck=dict(type='FPN', out_channels=128)))


RESULTS = [
    dict(config='mmdet::atss/a.py', ok=True, reason=''),
    dict(config='mmdet::atss/b.py', ok=False, reason='a | b'),
    dict(config='mmpose::face/heads/c/d.py', ok=True, reason=''),
    dict(config='mmseg::san/a.py', ok=False, reason=f'{NOT_TRIED}: no such package'),
]


def test_table():
    lines = table(RESULTS).splitlines()
    assert lines[0] == 'It works with 2 of 4 configs.'
    assert '- mmdet: 1 of 2' in lines and '- mmpose: 1 of 1' in lines
    assert '- mmseg: 0 of 1; 1 could not be tried' in lines
    assert r'| mmdet `atss` | 1 of 2 | 1: a \| b |' in lines
    assert '| mmpose `face/heads` | 1 of 1 |  |' in lines


def test_the_page_has_a_place_for_it():
    assert 'It works with' in read_page(PAGE, [PART])


def test_reasons_name_no_place():
    reason = "mmdet::atss/b.py cannot be read: no file '/home/me/lib/site-packages/mmdet/a.py'"
    assert short_reason(reason) == "cannot be read: no file 'mmdet/a.py'"
    assert len(short_reason('word ' * 99)) == 150


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match='no config begins with mmdet::gone'):
        run(tmp_path, 'mmdet::gone')
    page = tmp_path / 'page.md'
    for text in (None, 'a page without the marks'):
        if text:
            page.write_text(text)
        with pytest.raises(ConfigError, match='must be a page with the lines'):
            sweep('', tmp_path / 'work', page)
    assert not (tmp_path / 'work').exists()
