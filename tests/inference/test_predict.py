"""Predictions on two real images, by models whose random weights are biased to one answer."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from hybrid_backbones.deploy import FoldedBackbone
from hybrid_backbones.errors import CheckpointError, ConfigError
from hybrid_backbones.inference import inferencers
from hybrid_backbones.inference import predict as predicting
from hybrid_backbones.inference.images import find_images, output_names, problem_of
from hybrid_backbones.inference.person_boxes import PrecomputedBoxes
from hybrid_backbones.inference.predict import Predicted, predict
from hybrid_backbones.openmmlab.check_fit import check_fit
from tests.configs.common import build_model, load
from tests.configs.pure_python import write_pure_python

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

REAL = Path(__file__).parents[1] / 'reference' / 'real' / 'coco'
IMAGES = REAL / 'images'
SKIER, COUPLE = (IMAGES / name for name in ('000000000785.jpg', '000000040083.jpg'))
DETECTION = 'maskrcnn_uniformer_xxs_1x'
SEGMENTATION = 'semanticfpn_uniformer_xxs_80k_ade20k'
POSE = 'topdown_hrformer_t_210e_coco_256x192'
PERSON = 12  # of ADE20K's classes
SMALL = {'test_dataloader.dataset.pipeline.1.scale': (160, 96)}


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checkpoints')
    detector, segmentor, estimator = (build(name) for name in (DETECTION, SEGMENTATION, POSE))
    with torch.no_grad():
        detector.roi_head.bbox_head.fc_cls.bias[0] = 20
        segmentor.decode_head.conv_seg.bias[PERSON] = 100
    for name, model in ((DETECTION, detector), (SEGMENTATION, segmentor), (POSE, estimator)):
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / f'{name}.pth')
    return folder


def build(name):
    torch.manual_seed(0)
    cfg = load(name)
    cfg.model.backbone.init_cfg = None
    return build_model(cfg)


def run(folder, config, pictures, **changes):
    """Predict in ``folder / 'out'``."""
    args = dict(
        weights=str(folder / f'{config}.pth'),
        images=str(pictures),
        out=str(folder / 'out'),
        device='cpu',
        cfg_options=None if config == POSE or config.endswith('.py') else SMALL,
    )
    shutil.rmtree(folder / 'out', ignore_errors=True)
    return predict(config, **{**args, **changes})


def halves(path, original):
    """Left and right of what is drawn at ``path``; the left is the original."""
    both, original = cv2.imread(str(path)).astype(int), cv2.imread(str(original))
    height, width = original.shape[:2]
    assert both.shape == (height, 2 * width, 3)
    assert np.abs(both[:, :width] - original).mean() < 3, 'but for the JPEG'
    return both[:, :width], both[:, width:]


def changed(path, original):
    """The share of the pixels that have been drawn on."""
    left, right = halves(path, original)
    return float((np.abs(left - right).max(2) > 40).mean())


def test_detection(checkpoints):
    done = run(checkpoints, DETECTION, SKIER)
    assert (done.images, done.skipped) == (1, {})
    assert sorted(p.name for p in done.folder.rglob('*.*')) == [
        *('000000000785.jpg', '000000000785.json')
    ]
    found = json.loads((done.folder / 'preds' / '000000000785.json').read_text())
    from mmdet.datasets import CocoDataset

    own = {'labels', 'scores', 'bboxes', 'masks'}  # of DetInferencer
    assert set(found) == own | {'names'}
    assert found['names'] == [CocoDataset.METAINFO['classes'][i] for i in found['labels']]
    assert len(found['labels']) == len(found['bboxes']) == len(found['masks']) > 0
    assert set(found['labels']) == {0} and min(found['scores']) > 0.9
    assert found['masks'][0]['size'] == [425, 640]
    assert changed(done.folder / 'vis' / '000000000785.jpg', SKIER) > 0.05


@pytest.mark.parametrize('config', [DETECTION, SEGMENTATION, POSE])
def test_an_image_is_decoded_once(checkpoints, monkeypatch, config):
    """The results are those of the libraries' own way from the file."""
    decoded, decode = [], cv2.imdecode

    def count(*args):
        decoded.append(args)
        return decode(*args)

    options = {} if config == SEGMENTATION else dict(score_thr=-1)

    def results():
        np.random.seed(0)  # MMDetection varies the colours of masks
        done = run(checkpoints, config, SKIER, **options)
        predictions = {path.name: path.read_bytes() for path in (done.folder / 'preds').iterdir()}
        return predictions, cv2.imread(str(done.folder / 'vis' / SKIER.name)).astype(int)

    monkeypatch.setattr(cv2, 'imdecode', count)
    predictions, drawn = results()
    assert len(decoded) == 1
    monkeypatch.setattr(inferencers, '_decoded_as_usual', lambda cfg: False)
    predictions_of_files, drawn_of_files = results()
    assert len(decoded) >= 4, 'by the inferencer to predict, and again to draw'
    assert predictions == predictions_of_files
    assert np.array_equal(drawn, drawn_of_files)


def test_images_decoded_in_another_way():
    cfg = load(SEGMENTATION)
    assert inferencers._decoded_as_usual(cfg)
    cfg.test_dataloader.dataset.pipeline[0].color_type = 'unchanged'
    assert not inferencers._decoded_as_usual(cfg)


@pytest.mark.slow
def test_threshold_of_what_is_drawn(checkpoints):
    done = run(checkpoints, DETECTION, SKIER, score_thr=1.01)
    assert changed(done.folder / 'vis' / '000000000785.jpg', SKIER) < 0.001
    found = json.loads((done.folder / 'preds' / '000000000785.json').read_text())
    assert found['labels'], 'all predictions are written'
    assert (done.scored, done.drawn, done.threshold) == ('objects', 0, 1.01)
    assert done.best == max(found['scores'])


def test_segmentation(checkpoints):
    done = run(checkpoints, SEGMENTATION, IMAGES)
    assert done.images == 2
    for picture in (SKIER, COUPLE):
        found = json.loads((done.folder / 'preds' / f'{picture.stem}.json').read_text())
        share = dict(label=PERSON, name='person', share=1.0)
        assert found == dict(sem_seg=f'{picture.stem}.png', classes=[share])
        classes = cv2.imread(str(done.folder / 'preds' / found['sem_seg']), cv2.IMREAD_UNCHANGED)
        assert classes.shape == cv2.imread(str(picture)).shape[:2]
        assert (classes == PERSON).all()
        assert changed(done.folder / 'vis' / picture.name, picture) > 0.5


def test_poses_of_whole_images(checkpoints):
    done = run(checkpoints, POSE, SKIER, score_thr=-1)
    assert done.whole_images
    (person,) = json.loads((done.folder / 'preds' / '000000000785.json').read_text())
    assert set(person) == {'keypoints', 'keypoint_scores', 'bbox', 'bbox_score'}
    assert np.shape(person['keypoints']) == (17, 2)
    assert person['bbox'] == [[0, 0, 640, 425]]
    assert changed(done.folder / 'vis' / '000000000785.jpg', SKIER) > 0.0005


@pytest.fixture(scope='module')
def boxes(tmp_path_factory):
    """The persons of the second image alone, as COCO's results have them, and what is none."""
    truth = json.loads((REAL / 'person_keypoints.json').read_text())['annotations']
    entries = [
        dict(image_id=40083, category_id=1, bbox=person['bbox'], score=0.9)
        for person in truth
        if person['image_id'] == 40083
    ]
    entries += [
        dict(image_id=40083, category_id=1, bbox=[0, 0, 50, 50], score=0.2),
        dict(image_id=40083, category_id=18, bbox=[0, 0, 50, 50], score=0.9),
    ]
    path = tmp_path_factory.mktemp('boxes') / 'boxes.json'
    path.write_text(json.dumps(entries))
    return path


def test_poses_of_given_boxes(checkpoints, boxes):
    done = run(checkpoints, POSE, IMAGES, bboxes=str(boxes), score_thr=-1)
    given = [entry['bbox'] for entry in json.loads(boxes.read_text())[:-2]]
    persons = json.loads((done.folder / 'preds' / '000000040083.json').read_text())
    assert len(persons) == len(given) >= 2
    found = sorted(person['bbox'][0] for person in persons)
    for box, (x, y, width, height) in zip(found, sorted(given)):
        assert box == pytest.approx([x, y, x + width, y + height], abs=0.01)
    assert [person['bbox_score'] for person in persons] == pytest.approx([0.9] * len(given))
    assert changed(done.folder / 'vis' / COUPLE.name, COUPLE) > 0.001
    assert json.loads((done.folder / 'preds' / '000000000785.json').read_text()) == []
    assert changed(done.folder / 'vis' / SKIER.name, SKIER) < 0.001, 'nobody is there'


def test_folder_with_files_that_are_no_images(checkpoints, tmp_path):
    pictures = tmp_path / 'images'
    (pictures / 'sub.jpg').mkdir(parents=True)
    shutil.copyfile(SKIER, pictures / 'a.JPG')
    cv2.imwrite(str(pictures / 'a.png'), cv2.imread(str(SKIER), cv2.IMREAD_GRAYSCALE))
    (pictures / 'empty.jpg').touch()
    (pictures / 'text.jpg').write_text('no image')
    (pictures / 'half.jpg').write_bytes(SKIER.read_bytes()[:20000])
    (pictures / 'notes.txt').write_text('not meant to be an image')
    done = run(checkpoints, SEGMENTATION, pictures)
    assert done.images == 2
    assert sorted(path.name for path in done.skipped) == ['empty.jpg', 'half.jpg', 'text.jpg']
    reasons = {path.name: reason for path, reason in done.skipped.items()}
    assert reasons['empty.jpg'] == 'an empty file'
    assert reasons['text.jpg'].startswith('no image')
    assert reasons['half.jpg'].startswith('no image, or damaged')
    # two of one stem keep their endings
    names = ['a.JPG.jpg', 'a.png.jpg']
    assert sorted(p.name for p in (done.folder / 'vis').iterdir()) == names


def test_no_image_at_all(checkpoints, tmp_path):
    (tmp_path / 'text.jpg').write_text('no image')
    with pytest.raises(ConfigError, match=r'no image that can be read: text.jpg: no image'):
        run(checkpoints, POSE, tmp_path)
    assert not (checkpoints / 'out').exists()


def test_an_image_that_the_model_refuses(tmp_path):
    """Too thin for a backbone, say: named, and the others go on."""

    def refuse(path, image):
        raise ValueError('UniFormer takes images\nof at least 32')

    done = Predicted(tmp_path / 'out')
    predicting._predict_all(refuse, [SKIER, COUPLE], done, iter)
    assert done.images == 0
    assert set(done.skipped.values()) == {'UniFormer takes images of at least 32'}
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_fetched_and_nothing_run(checkpoints, tmp_path):
    """Neither the pretrained weights that the config names, nor code in the checkpoint."""
    out_of_reach = {'model.backbone.init_cfg.type': 'Pretrained'}
    out_of_reach['model.backbone.init_cfg.checkpoint'] = 'http://127.0.0.1:9/weights.pth'
    options = {**SMALL, **out_of_reach}
    assert run(checkpoints, SEGMENTATION, SKIER, cfg_options=options).images == 1

    ran = tmp_path / 'ran'
    torch.save(dict(state_dict={}, bad=Touch(ran)), tmp_path / f'{SEGMENTATION}.pth')
    with pytest.raises(CheckpointError, match='could run code'):
        run(tmp_path, SEGMENTATION, SKIER)
    assert not ran.exists()


@pytest.mark.parametrize('config', [DETECTION, SEGMENTATION, POSE])
def test_pure_python_config_and_foreign_checkpoint(checkpoints, tmp_path, config):
    """Classes in place of names; and mmengine would run the config in a checkpoint."""
    ran = tmp_path / 'ran'
    code = f"closed = open({str(ran)!r}, 'w').close()\nmodel = dict()\n"
    content = torch.load(checkpoints / f'{config}.pth')
    content['meta'] = dict(config=code, cfg=code)
    content['message_hub'] = dict(runtime_info=dict(cfg=code))
    torch.save(content, tmp_path / f'{config}.pth')
    lazy = write_pure_python(config, tmp_path / 'lazy.py')
    done = run(checkpoints, str(lazy), SKIER, weights=str(tmp_path / f'{config}.pth'))
    assert (done.images, done.skipped) == (1, {})
    assert not ran.exists()
    Config.fromstring(code, '.py')
    assert ran.exists(), 'as mmengine would'


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.slow
def test_classes_come_from_the_checkpoint(checkpoints, tmp_path):
    content = torch.load(checkpoints / f'{SEGMENTATION}.pth')
    classes = tuple(f'thing {i}' for i in range(150))
    content['meta'] = dict(dataset_meta=dict(classes=classes, palette=[[9, 9, 9]] * 150))
    torch.save(content, tmp_path / f'{SEGMENTATION}.pth')
    done = run(tmp_path, SEGMENTATION, SKIER)
    found = json.loads((done.folder / 'preds' / '000000000785.json').read_text())
    assert found['classes'][0]['name'] == f'thing {PERSON}'


@pytest.mark.slow
def test_fold(checkpoints, monkeypatch):
    plain = run(checkpoints, SEGMENTATION, SKIER)
    before = (plain.folder / 'preds' / '000000000785.png').read_bytes()
    models = []
    fold = predicting._fold
    monkeypatch.setattr(predicting, '_fold', lambda model: (fold(model), models.append(model)))
    folded = run(checkpoints, SEGMENTATION, SKIER, fold=True)
    assert isinstance(models[0].backbone, FoldedBackbone)
    assert (folded.folder / 'preds' / '000000000785.png').read_bytes() == before


def test_checkpoint_of_other_classes(checkpoints):
    """Those of --mini, say."""
    options = {**SMALL, 'model.decode_head.num_classes': 3}
    with pytest.raises(ConfigError) as error:
        run(checkpoints, SEGMENTATION, SKIER, cfg_options=options)
    for part in (
        f'{SEGMENTATION}.pth is no checkpoint of this config',
        'decode_head.conv_seg.weight, (150, 128, 1, 1) in the file and (3, 128, 1, 1) here',
        '`mini=True`',
    ):
        assert part in str(error.value)


def test_fit():
    model = torch.nn.Linear(2, 3)
    check_fit(model, {f'module.{k}': v for k, v in model.state_dict().items()}, 'a.pth')
    check_fit(model, dict(model.state_dict(), more=torch.zeros(1)), 'a.pth')
    with pytest.raises(ConfigError, match=r'2 of 2 .* weight, nothing in the file') as error:
        check_fit(model, {}, 'a.pth')
    assert 'mini' not in str(error.value), 'it is of another model altogether'


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(images='gone.jpg'), 'no image or folder gone.jpg'),
        (dict(weights='gone.pth'), 'no checkpoint file gone.pth'),
        (dict(device='tpu9'), "cpu, cuda or cuda:1, not 'tpu9'"),
        (dict(device='cuda:99'), 'torch sees .* GPUs here'),
        (dict(score_thr=0.5), '`score_thr` is for boxes and keypoints'),
        (dict(bboxes='boxes.json'), '`bboxes` are for top-down poses'),
    ],
)
def test_refusals(checkpoints, changes, words):
    changes = {'weights': str(checkpoints / f'{SEGMENTATION}.pth'), **changes}
    with pytest.raises(ConfigError, match=words):
        run(checkpoints, SEGMENTATION, SKIER, **changes)
    assert not (checkpoints / 'out').exists(), 'nothing is left behind'


def test_config_without_model(checkpoints, tmp_path):
    (tmp_path / 'mine.py').write_text("default_scope = 'mmseg'")
    checkpoint = str(checkpoints / f'{SEGMENTATION}.pth')
    with pytest.raises(ConfigError, match=r'mine.py has no model, or no test_dataloader'):
        run(checkpoints, str(tmp_path / 'mine.py'), SKIER, weights=checkpoint)


@pytest.mark.parametrize(
    'content, words',
    [
        ('[', 'no JSON'),
        ('{}', 'a list of'),
        ('[{"image_id": 785}]', r'\{"image_id": 785\} is no box'),
        ('[{"image_id": 785, "bbox": [1, 2, 3]}]', 'is no box'),
        ('[3]', '3 is no box'),
        ('[{"image_id": 786, "bbox": [1, 2, 3, 4]}]', 'no person in 000000000785.jpg or the'),
        ('[{"image_id": 785, "bbox": [1, 2, 3, 4], "score": 0.1}]', 'its score above 0.3'),
    ],
)
def test_boxes_that_cannot_be_used(tmp_path, content, words):
    (tmp_path / 'boxes.json').write_text(content)
    with pytest.raises(ConfigError, match=words):
        PrecomputedBoxes(str(tmp_path / 'boxes.json')).check([SKIER, COUPLE])


def test_boxes_by_name_or_number(tmp_path):
    entries = [dict(image_id=image, bbox=[1, 2, 3, 4]) for image in (785, 'beach', '007')]
    (tmp_path / 'boxes.json').write_text(json.dumps(entries))
    boxes = PrecomputedBoxes(str(tmp_path / 'boxes.json'))
    for name in ('000000000785.jpg', '785.png', 'beach.jpg', '7.jpg'):
        assert boxes.of(name).tolist() == [[1, 2, 4, 6, 1]]
    assert boxes.of('0785b.jpg').shape == (0, 5)


def test_images(tmp_path):
    with pytest.raises(ConfigError, match=r'no image in .*\.jpg \.jpeg'):
        find_images(str(tmp_path))
    for name in ('b.png', 'a.jpg', 'b.jpg', 'c.txt'):
        (tmp_path / name).touch()
    found = find_images(str(tmp_path))
    assert [path.name for path in found] == ['a.jpg', 'b.jpg', 'b.png']
    assert list(output_names(found).values()) == ['a', 'b.jpg', 'b.png']
    assert find_images(str(tmp_path / 'c.txt')), 'a file that is named is tried'
    assert problem_of(SKIER) is None
