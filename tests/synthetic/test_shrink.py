"""The rule behind --mini: data, classes, image scale, schedule; nothing else."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config

from hybrid_backbones.config.load import load_config
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.synthetic import coco, shrink_config
from hybrid_backbones.synthetic.scenes import SHAPES

pytest.importorskip('mmdet')

CONFIGS = Path(__file__).parents[2] / 'configs'


def flat(node, path=''):
    """``{'a.b.0': value}`` of a tree of dicts and lists."""
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, (list, tuple)):
        items = enumerate(node)
    else:
        return {path: node}
    return {k: v for key, child in items for k, v in flat(child, f'{path}.{key}').items()}


@pytest.fixture(scope='module')
def root(mini_root):
    return mini_root


@pytest.fixture(scope='module')
def shrunk(root):
    """Both configs, before and after."""
    before = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    after = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    shrink_config(after, root)
    return before, after


def test_model_and_pipelines_stay(shrunk):
    """Of the model only classes, pretrained weights and numbers of regions change."""
    before, after = (flat(cfg.model.to_dict()) for cfg in shrunk)
    assert '.backbone.init_cfg.checkpoint' not in after
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == {
        '.backbone.init_cfg.type',
        '.backbone.init_cfg.checkpoint',
        '.roi_head.bbox_head.num_classes',
        '.roi_head.mask_head.num_classes',
        '.train_cfg.rpn_proposal.nms_pre',
        '.train_cfg.rpn_proposal.max_per_img',
        '.train_cfg.rcnn.sampler.num',
        '.test_cfg.rpn.nms_pre',
        '.test_cfg.rpn.max_per_img',
        '.test_cfg.rcnn.max_per_img',
    }
    before, after = (
        [transform['type'] for transform in cfg.train_dataloader.dataset.pipeline] for cfg in shrunk
    )
    assert before == after


def test_classes_and_scale(shrunk, root):
    _, cfg = shrunk
    assert cfg.model.roi_head.bbox_head.num_classes == len(SHAPES)
    for part in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert part.dataset.metainfo.classes == SHAPES
        assert (Path(part.dataset.data_root) / part.dataset.ann_file).is_file()
        assert [t.scale for t in part.dataset.pipeline if t.type == 'Resize'] == [(213, 128)]
    assert Path(cfg.val_evaluator.ann_file).is_file()
    assert cfg.val_evaluator.metric == ['bbox', 'segm']
    assert root in Path(cfg.val_evaluator.ann_file).parents


def test_schedule_keeps_its_shape(shrunk):
    """Steps come at the same fractions of the schedule as in the full one."""
    before, after = shrunk
    steps, full = after.param_scheduler[-1], before.param_scheduler[-1]
    share = after.train_cfg.max_epochs / before.train_cfg.max_epochs
    assert steps.milestones == [round(m * share) for m in full.milestones]
    assert steps.end == after.train_cfg.max_epochs
    assert after.param_scheduler[0].end < before.param_scheduler[0].end
    assert after.optim_wrapper.optimizer.type == 'AdamW'
    assert after.optim_wrapper.paramwise_cfg == before.optim_wrapper.paramwise_cfg


def test_class_counts_of_a_one_stage_detector(root):
    cfg = load_config(CONFIGS / 'retinanet_uniformer_s_1x.py')
    shrink_config(cfg, root)
    assert cfg.model.bbox_head.num_classes == len(SHAPES)


def test_all_classes(tmp_path, monkeypatch):
    """A model that was trained on COCO's 80 classes fits, and its numbers mean the same."""
    from mmdet.datasets import CocoDataset

    monkeypatch.setattr(coco, 'SPLITS', {'train2017': 4, 'val2017': 4})
    names = CocoDataset.METAINFO['classes']
    cfg = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    shrink_config(cfg, tmp_path, all_classes=True)
    heads = cfg.model.roi_head
    assert (heads.bbox_head.num_classes, heads.mask_head.num_classes) == (80, 80)
    assert cfg.test_dataloader.dataset.metainfo.classes == names
    path = Path(cfg.test_evaluator.ann_file)
    categories = json.loads(path.read_text(encoding='utf-8'))['categories']
    assert [category['name'] for category in categories] == list(names)
    ids = {category['name']: category['id'] for category in categories}
    # as in COCO's own files
    assert {n: ids[n] for n in ('person', 'cat', 'tie', 'tv', 'toothbrush')} == dict(
        person=1, cat=17, tie=32, tv=72, toothbrush=90
    )
    shrink_config(cfg, tmp_path)  # and beside it the set of three classes
    assert cfg.test_evaluator.ann_file != str(path)


def changes(name, root):
    """What ``--mini`` changes in a config's model: ``{'a.b.0': (before, after)}``."""
    before, after = (load_config(CONFIGS / f'{name}.py') for _ in range(2))
    shrink_config(after, root)
    a, b = flat(before.model.to_dict()), flat(after.model.to_dict())
    return {k: (a.get(k), b.get(k)) for k in a.keys() | b.keys() if a.get(k) != b.get(k)}, after


def test_segmentation_keeps_its_classes(root):
    changed, cfg = changes('upernet_uniformer_s_80k_pascal_context59', root)
    assert {key.split('.')[1] for key in changed} == {'backbone', 'data_preprocessor'}
    assert cfg.model.data_preprocessor.size == (120, 120)
    crop = next(t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'RandomCrop')
    assert (crop.crop_size, crop.cat_max_ratio) == ((120, 120), 0.75)
    dataset = cfg.train_dataloader.dataset
    assert dataset.type == 'PascalContextDataset59'
    assert (Path(dataset.data_root) / dataset.ann_file).is_file()


def test_schedules_of_iterations(root):
    """The warm-up is capped, what follows begins at its end, and all ends with the training."""
    cfg = load_config(CONFIGS / 'semanticfpn_cvt_13_80k_ade20k.py')
    shrink_config(cfg, root)
    iters = cfg.train_cfg.max_iters
    warmup, cosine = cfg.param_scheduler
    assert (warmup.begin, warmup.end) == (0, cosine.begin)
    assert cosine.end == iters
    assert cosine.T_max == iters - cosine.begin
    assert cfg.train_cfg.val_interval == iters // 2


def test_images_tested_at_their_own_size(root):
    """They come in the size of training, four times smaller, like all else."""
    cfg = load_config(CONFIGS / 'semanticfpn_uniformer_s_80k_ade20k.py')
    shrink_config(cfg, root)
    _load, resize, views = cfg.tta_pipeline
    assert (resize.type, resize.scale, resize.keep_ratio) == ('Resize', (512, 128), True)
    assert 'scale_factor' in views.transforms[0][0]


def test_sizes_of_test_time_augmentation(root):
    """Four times smaller, too."""
    cfg = load_config(CONFIGS / 'upernet_uniformer_s_160k_ade20k.py')
    shrink_config(cfg, root)
    _, views = cfg.tta_pipeline
    scales = [resize.scale for resize in views.transforms[0]]
    assert scales[0] == (256, 64)
    assert scales[2] == cfg.test_dataloader.dataset.pipeline[1].scale == (512, 128)
    cfg = load_config(CONFIGS / 'ocr_hrformer_s_150k_ade20k.py')
    shrink_config(cfg, root)
    assert cfg.tta_pipeline[1] == cfg.test_dataloader.dataset.pipeline[1]
    assert cfg.tta_pipeline[1].scale == (25000, 130)


@pytest.mark.parametrize(
    'size, crop', [('256x192', (96, 128)), ('384x288', (128, 192)), ('448x320', (160, 224))]
)
def test_poses(size, crop, root):
    """Crops stay multiples of 32, heatmaps a quarter of them."""
    changed, cfg = changes(f'topdown_uniformer_s_210e_coco_{size}', root)
    assert {key.split('.')[1] for key in changed} == {'backbone', 'head'}
    pipeline = cfg.train_dataloader.dataset.pipeline
    codecs = [cfg.model.head.decoder, next(t.encoder for t in pipeline if 'encoder' in t)]
    for codec in codecs:
        assert codec.input_size == crop
        assert codec.heatmap_size == (crop[0] // 4, crop[1] // 4)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        affine = next(t for t in loader.dataset.pipeline if t.type == 'TopdownAffine')
        assert affine.input_size == crop
    assert Path(cfg.val_dataloader.dataset.bbox_file).is_file()
    assert Path(cfg.val_evaluator.ann_file).is_file()


def test_nothing_random_is_frozen(root):
    cfg = load_config(CONFIGS / 'maskrcnn_conformer_ti_1x.py')
    assert (cfg.model.backbone.frozen_stages, cfg.model.backbone.norm_eval) == (0, True)
    shrink_config(cfg, root)
    for key in ('frozen_stages', 'norm_eval', 'init_cfg'):
        assert key not in cfg.model.backbone


def test_what_it_cannot_shrink(root):
    with pytest.raises(ConfigError, match='mmdet, mmseg, mmpose, mmpretrain'):
        shrink_config(Config(dict(default_scope='mmrotate')), root)
    cfg = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    cfg.train_cfg = dict(type='EpochBasedTrainLoop')
    with pytest.raises(ConfigError, match='max_epochs or max_iters'):
        shrink_config(cfg, root)
    cfg = load_config(CONFIGS / 'upernet_cvt_13_160k_ade20k.py')
    cfg.train_dataloader.dataset.type = 'PotsdamDataset'
    with pytest.raises(ConfigError, match=r'ADE20KDataset.*PotsdamDataset'):
        shrink_config(cfg, root)
    cfg = load_config(CONFIGS / 'topdown_cvt_13_210e_coco_256x192.py')
    cfg.val_dataloader.dataset.data_mode = 'bottomup'
    with pytest.raises(ConfigError, match=r"topdown.*'bottomup'"):
        shrink_config(cfg, root)
