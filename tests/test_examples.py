"""The examples for one's own data: what they resolve to, and that they train."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper

from hybrid_backbones import backbones, get_config
from hybrid_backbones.analysis.dataset.browse import browse
from hybrid_backbones.config.load import load_config
from hybrid_backbones.config.traverse import walk
from hybrid_backbones.synthetic.coco import box_of, polygons_of
from hybrid_backbones.synthetic.scenes import draw_scene
from tests.tools.commands import PROJECT, tool

for library in ('mmdet', 'mmseg', 'mmpose'):
    pytest.importorskip(library)

EXAMPLES = PROJECT / 'examples'
NAMES = ('own_coco', 'own_masks', 'own_keypoints')
IMAGES = dict(train=4, val=2)
IDS = dict(bolt=3, washer=7, nut=5)  # of categories, in a file's order; the example leaves one out
JOINTS = (0, 3, 4, 11)  # of the drawn persons: those that stand for the example's four


def scenes(**options):
    """Name, split and scene of every image."""
    first = 0
    for split, count in IMAGES.items():
        for seed in range(first, first + count):
            yield f'{split}{seed}.jpg', split, draw_scene(seed, **options)
        first += count


def write_coco_files(root, annotate, categories, **options):
    """``images/``, ``train.json`` and ``val.json``, as in the examples' first lines."""
    (root / 'images').mkdir(parents=True)
    files = {split: dict(images=[], annotations=[], categories=categories) for split in IMAGES}
    for number, (name, split, scene) in enumerate(scenes(**options)):
        cv2.imwrite(str(root / 'images' / name), scene.image)
        height, width = scene.image.shape[:2]
        files[split]['images'].append(dict(id=number, file_name=name, height=height, width=width))
        for index, annotation in enumerate(annotate(scene)):
            mask = annotation.pop('mask')
            files[split]['annotations'].append(
                dict(
                    id=100 * number + index,
                    image_id=number,
                    bbox=box_of(mask),
                    area=int(mask.sum()),
                    segmentation=polygons_of(mask),
                    iscrowd=0,
                    **annotation,
                )
            )
    for split, content in files.items():
        (root / f'{split}.json').write_text(json.dumps(content))


def write_own_coco(root):
    ids = list(IDS.values())
    categories = [dict(id=i, name=name) for name, i in IDS.items()]
    write_coco_files(
        root, lambda s: [dict(mask=x.mask, category_id=ids[x.kind]) for x in s.shapes], categories
    )


def write_own_masks(root):
    for name, split, scene in scenes():
        labels = np.zeros(scene.image.shape[:2], np.uint8)
        for shape in scene.shapes:
            labels[shape.mask] = 1 + shape.kind % 2
        labels[:20] = 255
        for kind, suffix, content in (
            ('images', '.jpg', scene.image),
            ('masks', '.png', labels),
        ):
            path = root / kind / split / Path(name).with_suffix(suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), content)


def write_own_keypoints(root):
    def annotate(scene):
        for figure in scene.figures:
            flags = figure.visibility[list(JOINTS)]
            points = figure.joints[list(JOINTS)] * (flags > 0)[:, None]
            triplets = np.column_stack([points, flags]).ravel().tolist()
            yield dict(
                mask=figure.mask,
                category_id=1,
                keypoints=triplets,
                num_keypoints=int((flags > 0).sum()),
            )

    write_coco_files(root, annotate, [dict(id=1, name='cow')], max_objects=0, max_figures=2)


WRITERS = dict(zip(NAMES, (write_own_coco, write_own_masks, write_own_keypoints)))


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Data as each example's first lines say, by the example's name."""
    root = tmp_path_factory.mktemp('own')
    for name, write in WRITERS.items():
        write(root / name)
    return root


def parts(cfg):
    return [cfg[f'{part}_dataloader'].dataset for part in ('train', 'val', 'test')]


def test_every_example_is_tested():
    assert sorted(path.stem for path in EXAMPLES.glob('own_*.py')) == sorted(NAMES)


def test_own_coco():
    cfg = load_config(str(EXAMPLES / 'own_coco.py'))
    for dataset, file in zip(parts(cfg), ('train.json', 'val.json', 'val.json')):
        assert dataset.type == 'CocoDataset'
        assert dataset.metainfo.classes == ('bolt', 'nut')
        assert (dataset.data_root, dataset.ann_file) == ('data/mine/', file)
        assert dataset.data_prefix == dict(img='images/')
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator.ann_file == 'data/mine/val.json'
    assert cfg.model.roi_head.bbox_head.num_classes == 2
    assert cfg.model.roi_head.mask_head.num_classes == 2
    assert cfg.model.backbone.frozen_stages == 1
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'
    assert cfg.auto_scale_lr.base_batch_size == 16
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler[1].end == 24


def test_own_masks():
    cfg = load_config(str(EXAMPLES / 'own_masks.py'))
    for dataset, split in zip(parts(cfg), ('train', 'val', 'val')):
        assert dataset.type == 'BaseSegDataset'
        assert dataset.metainfo.classes == ('background', 'road', 'roof')
        assert len(dataset.metainfo.palette) == 3
        assert dataset.data_root == 'data/mine/'
        assert dataset.data_prefix == dict(
            img_path=f'images/{split}', seg_map_path=f'masks/{split}'
        )
        loads = [step for step in dataset.pipeline if step.type == 'LoadAnnotations']
        assert loads == [dict(type='LoadAnnotations')], "0 is a class, other than ADE20K's"
    assert cfg.model.decode_head.num_classes == 3
    assert cfg.model.backbone.frozen_stages == 1
    assert cfg.auto_scale_lr.base_batch_size == 32
    assert cfg.train_cfg.max_iters == cfg.param_scheduler[1].end == 20000


def test_own_keypoints():
    cfg = load_config(str(EXAMPLES / 'own_keypoints.py'))
    for dataset, file in zip(parts(cfg), ('train.json', 'val.json', 'val.json')):
        assert (dataset.type, dataset.data_mode) == ('CocoDataset', 'topdown')
        names = [joint.name for joint in dataset.metainfo.keypoint_info.values()]
        assert names == ['nose', 'left_ear', 'right_ear', 'tail']
        assert len(dataset.metainfo.sigmas) == len(dataset.metainfo.joint_weights) == 4
        assert (dataset.data_root, dataset.ann_file) == ('data/mine/', file)
        assert not dataset.get('bbox_file')
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator.ann_file == 'data/mine/val.json'
    assert cfg.model.head.out_channels == 4
    assert cfg.model.backbone.frozen_stages == 1
    assert cfg.auto_scale_lr.base_batch_size == 1024
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler[1].end == 100


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('name', NAMES)
def test_data_is_read(name, split, data, tmp_path):
    """All of it, and nothing about it is doubted."""
    done = browse(
        str(EXAMPLES / f'{name}.py'),
        data_root=str(data / name),
        split=split,
        num_images=100,
        stage='original',
        out=str(tmp_path),
    )
    assert done.problems == []
    pictures = {path.stem.split('_')[1] for path in tmp_path.iterdir()}
    assert {re.sub(r'\d', '', picture) for picture in pictures} == {split}
    if name == 'own_masks':
        assert len(pictures) == IMAGES[split]


QUICK = (
    'model.backbone.init_cfg=None',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'train_dataloader.batch_size=2',
    'default_hooks.logger.interval=1',
)
EPOCH = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'default_hooks.checkpoint.interval=1',
]
# as small as it goes; the last: name and first side of the layer that has the classes
TRAINING = dict(
    own_coco=(
        [
            *EPOCH,
            'train_dataloader.dataset.pipeline.2.scale=(128,128)',
            'val_dataloader.dataset.pipeline.1.scale=(128,128)',
        ],
        'epoch_1.pth',
        'coco/segm_mAP',
        ('roi_head.bbox_head.fc_cls.weight', 2 + 1),
    ),
    own_masks=(
        [
            'train_cfg.max_iters=2',
            'train_cfg.val_interval=2',
            'default_hooks.checkpoint.interval=2',
            'train_dataloader.dataset.pipeline.2.scale=(256,128)',
            'train_dataloader.dataset.pipeline.3.crop_size=(128,128)',
            'val_dataloader.dataset.pipeline.1.scale=(256,128)',
            'model.data_preprocessor.size=(128,128)',
        ],
        'iter_2.pth',
        'mIoU',
        ('decode_head.conv_seg.weight', 3),
    ),
    own_keypoints=(
        [
            'train_cfg.max_epochs=1',
            'train_cfg.val_interval=1',
            'default_hooks.checkpoint.interval=1',
        ],
        'epoch_1.pth',
        'coco/AP',
        ('head.final_layer.weight', 4),
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_training(name, data, tmp_path):
    options, checkpoint, metric, (layer, rows) = TRAINING[name]
    flags = ['--data-root', data / name, '--work-dir', 'work', '--auto-scale-lr']
    command = ['train', EXAMPLES / f'{name}.py', *flags, '--cfg-options', *QUICK, *options]
    result = tool(tmp_path, *command)
    assert result.returncode == 0, result.stdout + result.stderr
    scalars = next((tmp_path / 'work').glob('*/vis_data/scalars.json')).read_text()
    steps = [json.loads(line) for line in scalars.splitlines()]
    losses = [step['loss'] for step in steps if 'loss' in step]
    assert len(losses) >= 2
    assert np.isfinite(losses).all()
    assert metric in steps[-1]
    state = torch.load(tmp_path / 'work' / checkpoint, weights_only=False)['state_dict']
    assert len(state[layer]) == rows


PAGE = (PROJECT / 'docs' / 'custom_datasets.md').read_text()


@pytest.mark.parametrize('name', NAMES)
def test_page_has_the_files(name):
    assert f'```python\n{(EXAMPLES / f"{name}.py").read_text()}```\n' in PAGE


def rows_of(first_cell):
    """Cells of the page's table that begins with this one, without its head."""
    table = PAGE[PAGE.index(f'| {first_cell} |') :].partition('\n\n')[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip('| ').split('|')] for line in table]


def test_page_says_what_is_frozen():
    rows = rows_of('backbone')
    assert len(rows) == 5
    for name, *trained in rows:
        family, arch = name.replace('`', '').split()
        with torch.device('meta'):
            backbone = getattr(backbones, family)(arch)
        for frozen_stages, millions in zip(range(-1, 5), trained):
            backbone.frozen_stages = frozen_stages
            backbone.train()  # freezes
            count = sum(p.numel() for p in backbone.parameters() if p.requires_grad)
            assert f'{count / 1e6:.1f}' == millions, (name, frozen_stages)


@pytest.mark.parametrize(
    'name, heads, key',
    [
        ('retinanet_uniformer_s_1x', ['bbox_head'], 'num_classes'),
        ('fasterrcnn_conformer_s32_1x', ['roi_head.bbox_head'], 'num_classes'),
        (
            'cascademaskrcnn_uniformer_s_3x',
            [*(f'roi_head.bbox_head.{i}' for i in range(3)), 'roi_head.mask_head'],
            'num_classes',
        ),
        ('upernet_uniformer_s_160k_ade20k', ['decode_head', 'auxiliary_head'], 'num_classes'),
        ('ocr_hrformer_s_150k_ade20k', ['decode_head.0', 'decode_head.1'], 'num_classes'),
        ('topdown_hrformer_s_210e_coco_256x192', ['head'], 'out_channels'),
    ],
)
def test_page_says_where_classes_stand(name, heads, key):
    """All the places, and no more of them."""
    cfg = get_config(name)
    assert sum(key in node for _, node in walk(cfg.model)) == len(heads)
    for head in heads:
        node = cfg.model
        for step in head.split('.'):
            node = node[int(step)] if step.isdigit() else node[step]
        assert key in node


def test_page_on_a_slower_backbone():
    cfg = load_config(str(EXAMPLES / 'own_masks.py'))
    setting = re.search(r'`optim_wrapper=(dict\(paramwise.*\))`', PAGE)[1]
    cfg.merge_from_dict(dict(optim_wrapper=eval(setting)))
    model = torch.nn.ModuleDict(dict(backbone=torch.nn.Linear(2, 2), head=torch.nn.Linear(2, 2)))
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    assert [round(group['lr'] / 2e-4, 6) for group in groups] == [0.1, 0.1, 1, 1]
