"""tools/drop_in.py, run as a user runs it."""

import pytest
from mmengine.config import Config

from .commands import complaint, tool

pytest.importorskip('mmdet')

RETINANET = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp('drop_in')
    return folder, tool(folder, 'drop_in', RETINANET, '--backbone', 'uniformer_xxs')


def test_writes_a_short_config(result):
    folder, run = result
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = folder.iterdir()
    assert path.name == 'retinanet_r18_fpn_1x_coco_uniformer_xxs.py'
    text = path.read_text()
    assert text.startswith('# UniFormer xxs in place of ResNet in mmdet::retinanet/')
    assert f"_base_ = ['{RETINANET}']" in text
    assert len(text.splitlines()) < 40 and max(map(len, text.splitlines())) <= 100
    assert 'custom_imports' not in text
    cfg = Config.fromfile(str(path))
    assert cfg.model.backbone.type == 'hybrid_backbones.UniFormer'
    assert cfg.model.neck.in_channels == [112, 224, 448] and cfg.model.neck.num_outs == 5
    assert cfg.model.bbox_head.num_classes == 80


def test_prints_before_and_after(result):
    _, run = result
    rows = {line.split('  ')[0]: line for line in run.stdout.splitlines()}
    assert 'ResNet' in rows['backbone'] and 'UniFormer xxs' in rows['backbone']
    assert '64, 128, 256, 512' in rows['channels'] and '112, 224, 448' in rows['channels']
    assert '21.3 M' in rows['parameters'], "MMDetection's own count"
    assert 'GFLOPs at 256x320' in rows


def test_a_file_of_ones_own(tmp_path):
    """Its base is named relative to it; a second run writes over the first."""
    mine = tmp_path / 'mine' / 'detector.py'
    mine.parent.mkdir()
    mine.write_text(f"_base_ = ['{RETINANET}']\nmodel = dict(bbox_head=dict(num_classes=3))\n")
    before = mine.read_text()
    command = ('mine/detector.py', '--backbone', 'UniFormer:xxs', '-o', 'new.py', '--size', '64x96')
    for _ in range(2):
        run = tool(tmp_path, 'drop_in', *command)
        assert run.returncode == 0, run.stdout + run.stderr
    assert mine.read_text() == before
    cfg = Config.fromfile(str(tmp_path / 'new.py'))
    assert "_base_ = ['mine/detector.py']" in (tmp_path / 'new.py').read_text()
    assert cfg.model.bbox_head.num_classes == 3


@pytest.mark.parametrize(
    'arguments, parts',
    [
        (['no_such.py', '--backbone', 'uniformer_s'], ['no config file no_such.py']),
        (
            ['mmdet::retinanet/retinanet_r50_fpn_1x_cocoo.py', '--backbone', 'uniformer_s'],
            ['close: mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'],
        ),
        ([RETINANET], ['--backbone']),
        ([RETINANET, '--backbone', 'resnet_s'], ["'resnet_s'", 'uniformer_s', 'cvt_13']),
        ([RETINANET, '--backbone', 'UniFormer:tiny'], ['small_plus']),
        ([RETINANET, '--backbone', 'uniformer_s', '--size', '9'], ['HEIGHTxWIDTH']),
        ([RETINANET, '--backbone', 'uniformer_s', '-o', 'new.txt'], ['FILE.py']),
        ([RETINANET, '--backbone', 'uniformer_s', '-o', 'broken.py'], ['choose another name']),
        ([RETINANET, '--backbone', 'uniformer_s', '--pretrained', 'gone.pth'], ['gone.pth']),
        (['broken.py', '--backbone', 'uniformer_s'], ['broken.py cannot be read: SyntaxError']),
        (['empty.py', '--backbone', 'uniformer_s'], ['empty.py has no model']),
        (['new_style.py', '--backbone', 'uniformer_s'], ['read_base']),
    ],
)
def test_refusals(tmp_path, arguments, parts):
    (tmp_path / 'broken.py').write_text('model = dict(')
    (tmp_path / 'empty.py').write_text('')
    (tmp_path / 'new_style.py').write_text('with read_base():\n    from .other import *\n')
    there = {path.name: path.read_text() for path in tmp_path.iterdir()}
    line = complaint(tool(tmp_path, 'drop_in', *arguments))
    for part in parts:
        assert part in line
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == there
