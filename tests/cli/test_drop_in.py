"""``hybrid-backbones drop-in``."""

import pytest
from mmengine.config import Config

from hybrid_backbones.dropin import drop_in
from hybrid_backbones.errors import ConfigError
from tests.tools.commands import tool

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
    assert text.startswith('# Written by hybrid-backbones drop-in: UniFormer xxs in place of')
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
    assert '21.4 M' in rows['parameters']
    assert 'GFLOPs at 256x320' in rows


def test_a_file_of_ones_own(tmp_path, monkeypatch):
    """Its base is named relative to it; a second run writes over the first."""
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / 'mine' / 'detector.py'
    mine.parent.mkdir()
    mine.write_text(f"_base_ = ['{RETINANET}']\nmodel = dict(bbox_head=dict(num_classes=3))\n")
    before = mine.read_text()
    names = dict(config='mine/detector.py', backbone='uniformer_xxs', out='new.py')
    for _ in range(2):
        drop_in(**names, size=(64, 96))
    assert mine.read_text() == before
    cfg = Config.fromfile(str(tmp_path / 'new.py'))
    assert "_base_ = ['mine/detector.py']" in (tmp_path / 'new.py').read_text()
    assert cfg.model.bbox_head.num_classes == 3


REFUSED_BY_THE_TOOL = [
    ([RETINANET, '--backbone', 'resnet_s'], ["'resnet_s'", 'uniformer_s', 'cvt_13']),
    (['no_such.py', '--backbone', 'uniformer_s'], ['no config file no_such.py']),
    (['broken.py', '--backbone', 'uniformer_s'], ['broken.py cannot be read: SyntaxError']),
    ([RETINANET, '--backbone', 'uniformer_s', '--size', '9'], ['HEIGHTxWIDTH']),
    ([RETINANET, '--backbone', 'uniformer_s', '-o', 'new.txt'], ['--out is a config: FILE.py']),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'broken.py').write_text('model = dict(')
    (tmp_path / 'empty.py').write_text('')
    (tmp_path / 'new_style.py').write_text('with read_base():\n    from .other import *\n')
    classes = 'from mmdet.models import RetinaNet\nmodel = dict(type=RetinaNet)\n'
    (tmp_path / 'classes.py').write_text(classes)
    (tmp_path / 'mine.py').write_text("default_scope = 'mmdet'\nmodel = dict(backbone=dict())\n")
    return tmp_path


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize('arguments, parts', REFUSED_BY_THE_TOOL)
def test_refusals(command, folder, arguments, parts):
    there = contents(folder)
    line = command('drop-in', *arguments).refusal
    for part in parts:
        assert part in line
    assert contents(folder) == there


SHIPPED = 'mmdet::retinanet/retinanet_r50_fpn_1x_cocoo.py'
REFUSED = [
    (dict(config=SHIPPED), ['close: mmdet::retinanet/retinanet_r50_fpn_1x_coco.py']),
    (dict(config='mmgone::retinanet/a.py'), ['mmdet, mmseg, mmpose']),
    (dict(config='empty.py'), ['empty.py has no model']),
    (dict(config='mine.py'), ['no model.backbone']),
    (dict(config='new_style.py'), ['read_base']),
    (dict(config='classes.py'), ['classes for `type`']),
    (dict(backbone='uniformer_tiny'), ['small_plus']),
    (dict(out='new.txt'), ['FILE.py']),
    (dict(out='gone/new.py'), ['no folder gone']),
    (dict(out='mine.py'), ['choose another name']),
    (dict(pretrained='gone.pth'), ['no checkpoint file gone.pth']),
    (dict(config='mmdet::faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco.py'), ['shared_head']),
]


@pytest.mark.parametrize('arguments, parts', REFUSED)
def test_refusals_leave_nothing(folder, monkeypatch, arguments, parts):
    monkeypatch.chdir(folder)
    there = contents(folder)
    usual = dict(config=RETINANET, backbone='uniformer_xxs')
    with pytest.raises(ConfigError) as error:
        drop_in(**{**usual, **arguments})
    for part in parts:
        assert part in str(error.value)
    assert '\n' not in str(error.value)
    assert contents(folder) == there


@pytest.fixture
def needs_a_package(folder):
    """A config with a head that nothing here provides."""
    (folder / 'gone.py').write_text(
        f"_base_ = ['{RETINANET}']\nmodel = dict(bbox_head=dict(type='GoneHead'))\n"
    )
    return folder


def test_skip_check(needs_a_package, monkeypatch):
    """What does not run here is refused, except on demand."""
    monkeypatch.chdir(needs_a_package)
    arguments = dict(config='gone.py', backbone='uniformer_xxs', out='new.py')
    with pytest.raises(ConfigError, match='GoneHead') as error:
        drop_in(**arguments)
    assert '`skip_check=True`' in str(error.value)
    assert not (needs_a_package / 'new.py').exists()
    done = drop_in(**arguments, skip_check=True)
    assert Config.fromfile('new.py').model.neck.in_channels == [112, 224, 448]
    assert done.after is None
