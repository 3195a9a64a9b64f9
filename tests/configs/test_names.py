"""Every config's name says what it is, and its first lines what is published."""

import re

import pytest

from hybrid_backbones.synthetic.shrink_segmentation import SETS
from tests.configs.common import CONFIGS, NAMES, load

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

ARCHS = dict(
    conformer=dict(ti='tiny_patch16', s='small_patch16', s32='small_patch32', b='base_patch16'),
    transxnet=dict(t='t', s='s', b='b'),
    cvt={'13': '13', '21': '21'},
    uniformer=dict(xxs='xxs', xs='xs', s='small', b='base'),
    hrformer=dict(t='tiny', s='small', b='base'),
)
FAMILIES = dict(
    conformer='Conformer',
    transxnet='TransXNet',
    cvt='CvT',
    uniformer='UniFormer',
    hrformer='HRFormer',
)
HEADS = dict(
    retinanet=('RetinaNet', None),
    fasterrcnn=('FasterRCNN', None),
    maskrcnn=('MaskRCNN', None),
    cascademaskrcnn=('CascadeRCNN', None),
    semanticfpn=('EncoderDecoder', 'FPNHead'),
    upernet=('EncoderDecoder', 'UPerHead'),
    ocr=('CascadeEncoderDecoder', 'OCRHead'),
    topdown=('TopdownPoseEstimator', 'HeatmapHead'),
)
DATASETS = dict(
    ade20k='ADE20KDataset',
    pascal_context59='PascalContextDataset59',
    cityscapes='CityscapesDataset',
    coco_stuff10k='COCOStuffDataset',
    coco='CocoDataset',
)
GRAMMAR = re.compile(
    rf'(?P<head>{"|".join(HEADS)})_(?P<family>{"|".join(ARCHS)})_(?P<variant>[a-z0-9]+)'
    rf'(_(?P<attention>[hw]\d\d))?_(?P<schedule>\d+[xke])'
    rf'(_(?P<dataset>{"|".join(sorted(DATASETS, key=len, reverse=True))}))?'
    rf'(_(?P<size>\d+x\d+))?'
)
# UniFormer's in stage 3: in training, in testing
ATTENTION = dict(h14=('hybrid', 'hybrid'), h32=('global', 'hybrid'), w32=('global', 'window'))
EPOCHS = {'1x': 12, '3x': 36, '210e': 210}


@pytest.mark.parametrize('name', NAMES)
def test_name_says_what_it_is(name):
    cfg = load(name)
    found = GRAMMAR.fullmatch(name)
    assert found, 'framework_backbone_variant[_attention]_schedule[_dataset[_size]]'
    family, backbone = found['family'], cfg.model.backbone
    assert backbone.type == f'hybrid_backbones.{FAMILIES[family]}'
    assert backbone.arch == ARCHS[family][found['variant']]
    if found['attention']:
        assert backbone.window_size == int(found['attention'][1:])
    if found['attention'] and family == 'uniformer':
        training, testing = ATTENTION[found['attention']]
        trained = backbone.get('stage3_attention', 'global')
        assert trained == training
        assert backbone.get('eval_stage3_attention', trained) == testing

    detector, head = HEADS[found['head']]
    assert cfg.model.type == detector
    if head:
        heads = cfg.model.get('decode_head') or cfg.model.head
        assert (heads[-1] if isinstance(heads, list) else heads).type == head
    schedule = found['schedule']
    if schedule.endswith('k'):
        assert cfg.train_cfg.max_iters == 1000 * int(schedule[:-1])
    else:
        assert cfg.train_cfg.max_epochs == EPOCHS[schedule]
    dataset = cfg.train_dataloader.dataset
    assert dataset.type == DATASETS[found['dataset'] or 'coco']
    if found['size']:
        height, width = map(int, found['size'].split('x'))
        sizes = [t.input_size for t in dataset.pipeline if t.type == 'TopdownAffine']
        assert [tuple(size) for size in sizes] == [(width, height)]


@pytest.mark.parametrize('name', NAMES)
def test_first_lines_say_what_is_published(name):
    lines = (CONFIGS / f'{name}.py').read_text().splitlines()
    head = ' '.join(line[2:] for line in lines[: lines.index('_base_ = [')])
    published = bool(re.search(r'Published( with this recipe)?: ', head))
    assert published != ('No result is published' in head)
    assert published == ('https://github.com/' in head), 'with its source'
    assert len(lines) <= 25


def test_every_variant_in_every_task():
    wanted = set()
    for family, archs in ARCHS.items():
        for variant in archs:
            x = f'{family}_{variant}'
            wanted |= {f'retinanet_{x}_1x', f'maskrcnn_{x}_1x'}
            wanted |= {f'semanticfpn_{x}_80k_ade20k', f'upernet_{x}_160k_ade20k'}
    assert wanted <= set(NAMES)
    poses = {name.split('_')[1] for name in NAMES if name.startswith('topdown')}
    contexts = {name.split('_')[1] for name in NAMES if name.endswith('pascal_context59')}
    assert poses == contexts == set(ARCHS)
    assert {DATASETS[d] for d in DATASETS if d != 'coco'} == set(SETS)
