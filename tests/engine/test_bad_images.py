"""Trainings and tests go on in spite of unreadable images, and say so."""

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mmengine.registry import DATASETS, DefaultScope

from hybrid_backbones.config.data import datasets_of, relocate
from hybrid_backbones.data_check import check_dataset
from hybrid_backbones.engine.bad_images import FOLDER, leave_out, skip_in_training
from hybrid_backbones.engine.data import check_data_quickly
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.library import import_library
from hybrid_backbones.synthetic import coco, keypoints, segmentation, shrink_config
from hybrid_backbones.zoo.configs import read_config

pytest.importorskip('mmpose')

CONFIGS = {
    'maskrcnn_uniformer_xxs_1x': 'coco',
    'topdown_hrformer_t_210e_coco_256x192': 'coco_keypoints',
    'semanticfpn_uniformer_xxs_80k_ade20k': 'ade20k',
}
BOTH = ('train_dataloader', 'val_dataloader')


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for module in (coco, keypoints):
            patch.setattr(module, 'SPLITS', dict(train2017=4, val2017=3))
        patch.setattr(segmentation, 'SPLITS', dict(train=4, val=3))
        root = tmp_path_factory.mktemp('sets')
        for name in CONFIGS:
            shrink_config(read_config(name), root)
        yield root


@pytest.fixture(params=CONFIGS)
def cfg(request, drawn, tmp_path):
    """A config with a dataset of its own, of four and three images."""
    cfg = read_config(request.param)
    shrink_config(cfg, drawn)
    (root,) = {dataset.data_root for part in BOTH for dataset in datasets_of(cfg, part)}
    shutil.copytree(root, tmp_path / 'data')
    relocate(cfg, tmp_path / 'data')
    cfg.work_dir = str(tmp_path / 'work')
    import_library(cfg.default_scope)
    return cfg


def build(cfg, part):
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return DATASETS.build(cfg[part].dataset)


def images(cfg, part):
    return list(
        dict.fromkeys(each['img_path'] for each in map(build(cfg, part).get_data_info, range(3)))
    )


def tear(path):
    with open(path, 'r+b') as file:
        file.truncate(300)


def test_nothing_is_bad(cfg):
    assert leave_out(cfg, ('val_dataloader',), 1) == []
    assert 'indices' not in datasets_of(cfg, 'val_dataloader')[0]
    assert check_data_quickly(cfg, BOTH) == []


def test_training(cfg, tmp_path):
    """Another image takes the place; each bad one is named once, in all processes together."""
    bad = images(cfg, 'train_dataloader')[0]
    tear(bad)
    assert skip_in_training(cfg, 1) == []
    dataset = build(cfg, 'train_dataloader')
    for _ in range(2):
        for index in range(len(dataset)):
            assert dataset[index]['data_samples'].img_path != bad
    (note,) = (tmp_path / 'work' / FOLDER).iterdir()
    assert note.read_text().startswith(f'{bad}: ')


def test_one_too_many(cfg):
    for path in images(cfg, 'train_dataloader')[:2]:
        tear(path)
    skip_in_training(cfg, 1)
    dataset = build(cfg, 'train_dataloader')
    with pytest.raises(ConfigError, match='2 images cannot be read, more than the 1 that'):
        for index in range(len(dataset)):
            dataset[index]


def test_evaluation(cfg):
    """Over the others, and it says so."""
    bad = images(cfg, 'val_dataloader')[0]
    tear(bad)
    whole = len(build(cfg, 'val_dataloader'))
    (note,) = leave_out(cfg, ('val_dataloader',), 1)
    assert f'of {whole} entries of val_dataloader are left out' in note
    assert 'metrics are not those of the whole set' in note and bad in note
    rest = build(cfg, 'val_dataloader')
    assert 0 < len(rest) < whole
    assert bad not in [rest.get_data_info(i)['img_path'] for i in range(len(rest))]


def test_evaluation_with_too_many(cfg):
    bad = images(cfg, 'val_dataloader')[0]
    tear(bad)
    with pytest.raises(ConfigError, match='1 images of val_dataloader cannot be read') as caught:
        leave_out(cfg, ('val_dataloader',), 0)
    assert bad in str(caught.value)


def test_a_run_is_not_begun(cfg, monkeypatch):
    """With data that would end it later."""
    images(cfg, 'val_dataloader')
    for path in images(cfg, 'val_dataloader'):
        open(path, 'wb').close()
    with pytest.raises(ConfigError, match='is empty') as caught:
        check_data_quickly(cfg, BOTH)
    assert 'data_check=False' in str(caught.value)
    monkeypatch.setenv('RANK', '1')  # the first process of a run looks for all
    assert check_data_quickly(cfg, BOTH) == []
    monkeypatch.delenv('RANK')
    assert check_data_quickly(cfg, BOTH, images=False) == []


def test_what_does_no_harm(drawn, tmp_path):
    """COCO has a few boxes without area: they are said, and training begins."""
    cfg = read_config('maskrcnn_uniformer_xxs_1x')
    shrink_config(cfg, drawn)
    shutil.copytree(drawn / 'coco', tmp_path / 'data')
    relocate(cfg, tmp_path / 'data')
    path = tmp_path / 'data' / 'annotations' / 'instances_train2017.json'
    content = json.loads(path.read_text())
    content['annotations'][0]['bbox'][2] = 0
    path.write_text(json.dumps(content))
    (note,) = check_data_quickly(cfg, BOTH)
    assert note.startswith('1 faults of the data that do no harm')
    assert 'bbox has no area' in note
    del content['annotations'][0]['area']
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match='has no area, which evaluation needs'):
        check_data_quickly(cfg, BOTH)


@pytest.mark.parametrize('workers', (0, 2))
def test_processes(cfg, workers):
    tear(images(cfg, 'train_dataloader')[1])
    report = check_dataset(cfg, BOTH, full=True, workers=workers)
    (problem,) = report.problems
    assert 'damaged' in problem.text


def test_other_formats_are_not_passed_as_checked(drawn):
    cfg = read_config('mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py')
    report = check_dataset(cfg, BOTH)
    assert not report.counts and len(report.unchecked) == 3
    assert report.unchecked[0] == (
        "VOCDataset of train_dataloader is not checked: it is not in COCO's format"
    )


@pytest.fixture
def detection(drawn, tmp_path):
    """A detector's config, and a function that changes one of its annotation files."""
    cfg = read_config('maskrcnn_uniformer_xxs_1x')
    shrink_config(cfg, drawn)
    shutil.copytree(drawn / 'coco', tmp_path / 'data')
    relocate(cfg, tmp_path / 'data')
    import_library('mmdet')

    def change(split, edit):
        path = tmp_path / 'data' / 'annotations' / f'instances_{split}2017.json'
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))

    return cfg, change


def without(key):
    return lambda content: [each.pop(key) for each in content['annotations']]


def test_what_training_alone_does_without(detection):
    cfg, change = detection
    change('train', without('iscrowd'))
    (note,) = check_data_quickly(cfg, BOTH)
    assert 'has no iscrowd, which evaluation would need' in note
    change('train', without('area'))  # mmdet's dataset reads it
    with pytest.raises(ConfigError, match='has no area'):
        check_data_quickly(cfg, BOTH)


def test_a_test_set_without_annotations(detection):
    cfg, change = detection
    change('val', lambda content: content.pop('annotations'))
    assert check_data_quickly(cfg, ('test_dataloader',)) == []
    with pytest.raises(ConfigError, match="'annotations' is no list"):
        check_data_quickly(cfg, ('val_dataloader',))


@pytest.fixture
def server(tmp_path):
    """A folder served on this machine: its address."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Silent, directory=str(tmp_path))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def test_data_on_another_machine(detection, server):
    """Read as the training would read it."""
    cfg, _ = detection
    (dataset,) = datasets_of(cfg, 'train_dataloader')
    folder, data_root = Path(dataset.data_root), dataset.data_root
    dataset.data_root = f'{server}/{folder.name}'
    dataset.backend_args = dict(backend='http')
    assert check_data_quickly(cfg, ('train_dataloader',)) == []
    torn = sorted((folder / 'train2017').iterdir())[0]
    torn.write_bytes(b'')
    with pytest.raises(ConfigError, match=f'http:.*{torn.name}: is empty'):
        check_data_quickly(cfg, ('train_dataloader',))
    torn.unlink()
    with pytest.raises(ConfigError, match=f'{torn.name}: cannot be read: .*404'):
        check_data_quickly(cfg, ('train_dataloader',))
    dataset.ann_file = 'gone.json'
    with pytest.raises(ConfigError, match=r'gone\.json: cannot be read: .*404'):
        check_data_quickly(cfg, ('train_dataloader',))
    dataset.data_root, dataset.backend_args = data_root, dict(backend='petrel')
    with pytest.raises(ConfigError, match=r'cannot be read: .*petrel'):
        check_data_quickly(cfg, ('train_dataloader',))


def test_settings_are_checked_too(detection):
    cfg, _ = detection
    cfg.model.roi_head.bbox_head.num_classes = 7
    cfg.default_hooks = dict(checkpoint=dict(type='CheckpointHook', save_best='coco/xyz'))
    classes, best = [problem.text for problem in check_dataset(cfg, BOTH).problems]
    assert 'num_classes is 7' in classes and 'save_best' in best


def test_what_is_not_checked_is_said():
    cfg = read_config('mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py')
    cfg.model.roi_head.bbox_head.num_classes = 20
    assert 'VOCDataset of train_dataloader is not checked' in check_data_quickly(cfg, BOTH)[0]


@pytest.mark.parametrize('number', ('-1', 'x', '1.5'))
def test_a_number_of_images(command, number):
    refused = command('train', 'maskrcnn_uniformer_xxs_1x', f'--skip-bad-images={number}').refusal
    assert 'must be a number of images' in refused
