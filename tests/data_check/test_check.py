"""Datasets of configs, in folders with one fault each."""

import json
import shutil
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from hybrid_backbones.config.data import DATALOADERS, check_not_data, evaluators_of, relocate
from hybrid_backbones.config.load import override
from hybrid_backbones.data_check import check_dataset, check_files
from hybrid_backbones.data_check.images import check_image
from hybrid_backbones.data_check.label_maps import Labels, check_label_map
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.synthetic import coco, keypoints, scenes, segmentation, shrink_config
from hybrid_backbones.zoo.configs import read_config

pytest.importorskip('mmpose')

CONFIGS = (
    'maskrcnn_uniformer_xxs_1x',
    'topdown_hrformer_t_210e_coco_256x192',
    'semanticfpn_uniformer_xxs_80k_ade20k',
    'upernet_uniformer_s_80k_pascal_context59',
)
DETECTION, POSE, SEGMENTATION = CONFIGS[:3]
CLASSES = {f'{part}.dataset.metainfo': dict(classes=scenes.SHAPES) for part in DATALOADERS}
CLASSES.update({f'model.roi_head.{head}_head.num_classes': 3 for head in ('bbox', 'mask')})


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Small sets, drawn once."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in (
            (coco, ('train2017', 'val2017')),
            (keypoints, ('train2017', 'val2017')),
        ):
            patch.setattr(module, 'SPLITS', dict.fromkeys(names, 3))
        patch.setattr(segmentation, 'SPLITS', dict(train=3, val=2))
        folder = tmp_path_factory.mktemp('sets')
        for name in CONFIGS:
            shrink_config(read_config(name), folder)
        yield folder


def check(name, root, **options):
    cfg = read_config(name)
    shrink_config(cfg, root)
    return check_dataset(cfg, DATALOADERS, **options)


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('full', [False, True])
def test_nothing_is_wrong(name, full, root):
    report = check(name, root, full=full)
    assert report.problems == []
    assert report.counts['images of train_dataloader'] == 3


def copied(root, tmp_path, folder):
    shutil.copytree(root / folder, tmp_path / folder)
    return tmp_path / folder


def at(name, folder, change=None):
    """The config with its data in another folder; a detector's with the classes drawn."""
    cfg = read_config(name)
    if cfg.default_scope == 'mmdet':
        override(cfg, CLASSES)
    relocate(cfg, folder)
    override(cfg, change)
    return cfg


def located(name, folder, change=None):
    cfg = at(name, folder, change)
    return [problem.text for problem in check_dataset(cfg, DATALOADERS, full=True).problems]


def test_images_of_detection(root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    first, second, third = sorted((folder / 'train2017').iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-400])
    cv2.imwrite(str(third), np.zeros((10, 20, 3), np.uint8))
    val = sorted((folder / 'val2017').iterdir())[0]
    val.write_bytes(b'')
    missing, torn, other, empty = located(DETECTION, folder)
    assert missing == 'is not there'
    assert torn.startswith('is no image, or damaged (')
    assert other.startswith('is 20x10 pixels, annotations say ')
    assert empty == 'is empty'


def test_annotations_of_detection(root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    path = folder / 'annotations' / 'instances_val2017.json'
    content = json.loads(path.read_text())
    del content['annotations'][0]['iscrowd']
    path.write_text(json.dumps(content))
    (problem,) = located(DETECTION, folder)
    assert problem.endswith('has no iscrowd, which evaluation needs')


@pytest.mark.parametrize(
    'change, text',
    [
        (lambda m: np.dstack([m, m, m]), 'has 3 channels (mode RGB): one is needed'),
        (
            lambda m: m + 0 * m if m.fill(200) else m,
            'has the values 200, which are no classes (1 to 150)',
        ),
        (lambda m: m[:-8], 'pixels, and its image '),
        (lambda m: m.astype(np.uint16) * 300, 'which are no classes'),
        (lambda m: np.full_like(m, 255), ''),
    ],
    ids=['RGB', 'unknown', 'smaller', '16 bit', 'ignored'],
)
def test_label_maps(change, text, root, tmp_path):
    folder = copied(root, tmp_path, 'ade20k')
    path = sorted((folder / 'annotations' / 'training').iterdir())[0]
    cv2.imwrite(str(path), change(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))
    found = located(SEGMENTATION, folder)
    assert len(found) == bool(text)
    assert all(text in each for each in found)


def test_masks_of_one_object(root, tmp_path):
    """255 is ignored: of 0 and 255 alone, nothing would be learned."""
    folder = copied(root, tmp_path, 'ade20k')
    paths = sorted((folder / 'annotations' / 'training').iterdir())
    for path in paths:
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask[:] = 0
        mask[2:9, 3:7] = 255
        cv2.imwrite(str(path), mask)
    (problem,) = located(SEGMENTATION, folder)
    assert problem.startswith('and 2 others that were looked at have the values 0 and 255 alone')


def test_classes_that_the_file_has_not(root, tmp_path):
    """Of a dataset that names none: COCO's 80, which MMDetection would look for in vain."""
    folder = copied(root, tmp_path, 'coco')
    cfg = at(DETECTION, folder)
    for part in DATALOADERS:
        cfg[part].dataset.pop('metainfo')
    found = [problem.text for problem in check_files(cfg, DATALOADERS).problems]
    assert len(found) == 2
    text = "CocoDataset, without train_dataloader.dataset.metainfo.classes, has 'person', 'bicycle'"
    assert found[0].startswith(text) and 'its categories are ' in found[0]


def test_a_dataset_of_ones_own(root, tmp_path):
    """A subclass that only names its classes, as MMDetection's documentation proposes."""
    from mmdet.datasets import CocoDataset
    from mmdet.registry import DATASETS

    with DATASETS.switch_scope_and_registry('mmdet') as registry:
        named = type('DrawnDataset', (CocoDataset,), dict(METAINFO=dict(classes=scenes.SHAPES)))
        registry.register_module(module=named)
    try:
        folder = copied(root, tmp_path, 'coco')
        sorted((folder / 'train2017').iterdir())[0].unlink()
        cfg = at(DETECTION, folder)
        for part in DATALOADERS:
            cfg[part].dataset.pop('metainfo')
            cfg[part].dataset.type = 'DrawnDataset'
        report = check_dataset(cfg, DATALOADERS)
        assert [problem.text for problem in report.problems] == ['is not there']
        assert report.unchecked == []
    finally:
        registry._module_dict.pop('DrawnDataset')


@pytest.mark.parametrize('name, folder', [(DETECTION, 'coco'), (POSE, 'coco_keypoints')])
def test_what_an_evaluator_compares_with(name, folder, root, tmp_path):
    folder = copied(root, tmp_path, folder)
    cfg = at(name, folder)
    (own,) = evaluators_of(cfg, 'val_dataloader')
    content = json.loads(Path(own.ann_file).read_text(encoding='utf-8'))
    image = content['images'].pop()
    others = [each for each in content['annotations'] if each['image_id'] != image['id']]
    content['annotations'] = others
    other = folder / 'other.json'
    other.write_text(json.dumps(content), encoding='utf-8')
    (problem,) = located(name, folder, {'val_evaluator.ann_file': str(other)})
    assert problem.startswith('has not 1 of the 3 images of ')
    other.write_text('{', encoding='utf-8')
    (problem,) = located(name, folder, {'val_evaluator.ann_file': str(other)})
    assert problem.startswith('is no JSON')


def test_two_values_of_a_mask(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.array([[0, 255]], np.uint8))
    problem = check_label_map(str(tmp_path / 'a.png'), Labels(2, ignored=frozenset({254})))
    assert '0 and 255 for two classes would have to be 0 and 1' in problem.text
    assert check_label_map(str(tmp_path / 'a.png'), Labels(2)) is None


def test_suffixes(root, tmp_path):
    folder = copied(root, tmp_path, 'ade20k')
    for path in (folder / 'images' / 'training').iterdir():
        path.rename(path.with_suffix('.JPG'))
    (problem,) = located(SEGMENTATION, folder)
    assert problem.startswith('no image ends in .jpg: there are 3 .JPG in ')


def test_an_image_that_claims_too_much(tmp_path):
    """By its header: it is not decoded."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4, 3), np.uint8))
    content = bytearray((tmp_path / 'a.png').read_bytes())
    content[16:24] = (60000).to_bytes(4, 'big') * 2
    header = content[12:29]
    content[29:33] = zlib.crc32(bytes(header)).to_bytes(4, 'big')
    (tmp_path / 'a.png').write_bytes(bytes(content))
    assert 'claims 60000x60000 pixels' in check_image(str(tmp_path / 'a.png')).text


def test_command(command, root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    shapes = ','.join(scenes.SHAPES)
    options = [f'{part}.dataset.metainfo.classes=({shapes})' for part in DATALOADERS]
    options += [f'model.roi_head.{head}_head.num_classes=3' for head in ('bbox', 'mask')]
    arguments = ('check-dataset', DETECTION, '--data-root', folder, '--cfg-options', *options)
    found = command(*arguments, '--quick')
    assert (found.status, found.err) == (0, '')
    assert found.out.splitlines() == [
        '3 images of train_dataloader',
        '3 images of val_dataloader',
        'no problems',
    ]
    sorted((folder / 'train2017').iterdir())[1].unlink()
    found = command(*arguments, '--out', 'report.json')
    assert found.status == 2 and found.err.endswith('000000000002.jpg: is not there\n')
    assert len(json.loads((tmp_path / 'report.json').read_text())['problems']) == 1


def edited(path, change):
    content = json.loads(path.read_text(encoding='utf-8'))
    change(content)
    path.write_text(json.dumps(content), encoding='utf-8')


def every(**values):
    return lambda content: [each.update(values) for each in content['annotations']]


@pytest.mark.parametrize(
    'change, text',
    [
        (lambda content: content['annotations'].clear(), 'has no annotations'),
        (every(iscrowd=1), 'annotations is learned from'),
        (every(area=0), 'annotations is learned from'),
        (every(bbox=[0.1, 0.2, 0.3, 0.4]), 'not in fractions of the image'),
    ],
    ids=['none', 'crowds', 'no area', 'fractions'],
)
def test_nothing_to_learn(change, text, root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    edited(folder / 'annotations' / 'instances_train2017.json', change)
    (problem,) = [text for text in located(DETECTION, folder) if 'iscrowd' not in text]
    assert text in problem


def test_an_evaluator_of_its_own_file_for_the_test(root, tmp_path):
    """The test's dataset is the validation's; the file that its metric compares with is not."""
    folder = copied(root, tmp_path, 'coco')
    other = folder / 'other.json'
    shutil.copy(folder / 'annotations' / 'instances_val2017.json', other)
    edited(other, lambda content: content['images'][0].update(file_name='another.jpg'))
    (problem,) = located(DETECTION, folder, {'test_evaluator.ann_file': str(other)})
    assert problem.startswith('has not 1 of the 3 images') and 'test_evaluator' in problem


def test_categories_of_another_order(root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    other = folder / 'other.json'
    shutil.copy(folder / 'annotations' / 'instances_val2017.json', other)
    edited(other, lambda content: content['categories'].reverse())
    (problem,) = located(DETECTION, folder, {'val_evaluator.ann_file': str(other)})
    assert 'other categories' in problem and 'another order' in problem


def test_images_that_are_turned(tmp_path):
    """By EXIF, as who loads them turns them; not by whoever wrote the annotations."""
    from PIL import Image

    image = Image.new('RGB', (30, 20))
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / 'turned.jpg', exif=exif)
    image.save(tmp_path / 'plain.jpg')
    assert check_image(str(tmp_path / 'turned.jpg'), (20, 30)) is None
    assert 'is 20x30 pixels' in check_image(str(tmp_path / 'turned.jpg'), (30, 20)).text
    assert 'is 30x20 pixels' in check_image(str(tmp_path / 'plain.jpg'), (20, 30)).text


@pytest.mark.parametrize('kind', ['PCX', 'TGA', 'SGI', 'DDS', 'IM'])
def test_formats_that_opencv_does_not_decode(kind, tmp_path):
    from PIL import Image

    Image.new('RGB', (30, 20)).save(tmp_path / 'a.jpg', format=kind)
    assert 'which OpenCV does not decode' in check_image(str(tmp_path / 'a.jpg')).text


def test_a_name_that_no_file_has(tmp_path):
    assert 'cannot be read' in check_image(str(tmp_path / ('a' * 5000))).text


def ignoring(root, tmp_path, value, change):
    """Problems of label maps with a value, and settings."""
    folder = copied(root, tmp_path, 'ade20k')
    for path in (folder / 'annotations').rglob('*.png'):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask[:2] = value
        cv2.imwrite(str(path), mask)
    return located(SEGMENTATION, folder, change)


def test_values_are_ignored_by_all_who_count(root, tmp_path):
    """Heads in training, metrics in evaluation; the dataset's own setting reaches neither."""
    everywhere = {'model.decode_head.ignore_index': 254, 'val_evaluator.ignore_index': 254}
    everywhere['test_evaluator.ignore_index'] = 254
    assert ignoring(root, tmp_path / 'a', 254, everywhere) == []
    head = {'model.decode_head.ignore_index': 254}
    assert len(ignoring(root, tmp_path / 'b', 254, head)) == 2  # the metric's is 255
    assert len(ignoring(root, tmp_path / 'c', 255, head)) == 3  # the head's is 254
    dataset = {f'{part}.dataset.ignore_index': 254 for part in DATALOADERS}
    assert len(ignoring(root, tmp_path / 'd', 254, dataset)) == 5


def test_a_part_of_the_classes(root, tmp_path):
    """The dataset maps the others to what is ignored."""
    folder = copied(root, tmp_path, 'ade20k')
    from mmseg.datasets import ADE20KDataset

    classes = ADE20KDataset.METAINFO['classes'][:100]
    options = {f'{part}.dataset.metainfo': dict(classes=classes) for part in DATALOADERS}
    options['model.decode_head.num_classes'] = 100
    assert located(SEGMENTATION, folder, options) == []


def test_reduce_zero_label_of_the_pipeline(root, tmp_path):
    folder = copied(root, tmp_path, 'ade20k')
    change = {'train_dataloader.dataset.pipeline.1.reduce_zero_label': False}
    (problem,) = located(SEGMENTATION, folder, change)
    assert 'LoadAnnotations has reduce_zero_label=False, and the dataset True' in problem


def test_reduce_zero_label_of_training_alone(root, tmp_path):
    folder = copied(root, tmp_path, 'ade20k')
    change = {f'{part}.dataset.reduce_zero_label': False for part in DATALOADERS[1:]}
    problems = located(SEGMENTATION, folder, change)
    text = 'val_dataloader has reduce_zero_label=False, and train_dataloader True'
    assert any(text in problem for problem in problems)


def test_label_maps_of_what_is_ignored_alone(root, tmp_path):
    folder = copied(root, tmp_path, 'ade20k')
    for path in (folder / 'annotations' / 'training').iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask[:] = 255
        cv2.imwrite(str(path), mask)
    (problem,) = located(SEGMENTATION, folder)
    assert 'nothing but values that are ignored' in problem


@pytest.mark.parametrize('keypoints', [5, {'a': 1}, None])
def test_keypoints_of_any_kind_in_a_detectors_file(keypoints, root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    path = folder / 'annotations' / 'instances_train2017.json'
    edited(path, lambda content: content['annotations'][0].update(keypoints=keypoints))
    assert located(DETECTION, folder) == []


def test_numbers_of_any_length(root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    path = folder / 'annotations' / 'instances_train2017.json'
    edited(path, lambda content: content['annotations'][0].update(bbox=[10**400, 1, 2, 3]))
    (problem,) = located(DETECTION, folder)
    assert 'four finite numbers' in problem


def test_results_are_not_written_over_data(command, root, tmp_path):
    folder = copied(root, tmp_path, 'coco')
    target = folder / 'annotations' / 'instances_train2017.json'
    before = target.read_bytes()
    arguments = ('check-dataset', DETECTION, '--data-root', folder, '--out', target)
    assert 'is data of the config' in command(*arguments).refusal
    assert target.read_bytes() == before
    cfg = at(DETECTION, folder)
    for place in (folder / 'val2017', folder / 'val2017' / 'drawn'):
        with pytest.raises(ConfigError, match=r'`show_dir`: .* is data of the config'):
            check_not_data(cfg, str(place), 'show_dir')
    check_not_data(cfg, str(tmp_path / 'drawn'), 'show_dir')
    check_not_data(cfg, str(folder / 'drawn'), 'show_dir')
