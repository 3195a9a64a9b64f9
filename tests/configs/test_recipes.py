"""Every config has the recipe that its authors published, or that of its nearest sibling."""

import pytest

from hybrid_backbones.config.traverse import walk
from tests.configs.common import NAMES, load

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

GPUS = 8  # in every published recipe


def named(*parts):
    return [name for name in NAMES if any(name.startswith(part) for part in parts)]


# Of the authors' own configs: drop path, learning rate, weight decay, batch in all.
PRETRAINED = dict(
    retinanet_transxnet_t_1x=(0.1, 1e-4, 1e-4, 16),
    retinanet_transxnet_s_1x=(0.2, 1e-4, 1e-4, 16),
    retinanet_transxnet_b_1x=(0.3, 1e-4, 1e-4, 16),
    maskrcnn_transxnet_t_1x=(0.1, 1e-4, 0.05, 16),
    maskrcnn_transxnet_s_1x=(0.2, 1e-4, 0.05, 16),
    maskrcnn_transxnet_b_1x=(0.3, 1e-4, 0.05, 16),
    fasterrcnn_conformer_s32_1x=(0.0, 1e-4, 1e-4, 16),
    maskrcnn_conformer_s32_1x=(0.0, 1e-4, 1e-4, 16),
    maskrcnn_uniformer_xxs_1x=(0.0, 1e-4, 0.05, 16),
    maskrcnn_uniformer_xs_1x=(0.15, 1e-4, 0.05, 16),
    maskrcnn_uniformer_s_1x=(0.2, 1e-4, 0.05, 16),
    maskrcnn_uniformer_b_1x=(0.3, 1e-4, 0.05, 16),
    maskrcnn_uniformer_s_3x=(0.1, 1e-4, 0.05, 16),
    maskrcnn_uniformer_b_3x=(0.3, 1e-4, 0.05, 16),
    cascademaskrcnn_uniformer_s_3x=(0.2, 1e-4, 0.05, 16),
    cascademaskrcnn_uniformer_b_3x=(0.4, 1e-4, 0.05, 16),
    semanticfpn_transxnet_t_80k_ade20k=(0.1, 2e-4, 1e-4, 32),
    semanticfpn_transxnet_s_80k_ade20k=(0.2, 2e-4, 1e-4, 32),
    semanticfpn_transxnet_b_80k_ade20k=(0.3, 2e-4, 1e-4, 32),
    semanticfpn_uniformer_xxs_80k_ade20k=(0.0, 2e-4, 1e-4, 32),
    semanticfpn_uniformer_xs_80k_ade20k=(0.1, 2e-4, 1e-4, 32),
    semanticfpn_uniformer_s_80k_ade20k=(0.1, 2e-4, 1e-4, 32),
    semanticfpn_uniformer_b_h32_80k_ade20k=(0.2, 2e-4, 1e-4, 32),
    upernet_uniformer_s_160k_ade20k=(0.25, 6e-5, 0.01, 16),
    upernet_uniformer_b_h32_160k_ade20k=(0.4, 6e-5, 0.01, 16),
    ocr_hrformer_s_150k_ade20k=(0.2, 1e-4, 0.01, 16),
    ocr_hrformer_b_w15_60k_pascal_context59=(0.2, 1e-4, 0.01, 16),
    ocr_hrformer_b_60k_coco_stuff10k=(0.2, 1e-4, 0.01, 16),
    ocr_hrformer_b_80k_cityscapes=(0.2, 1e-4, 0.01, 8),
    topdown_hrformer_s_210e_coco_256x192=(0.1, 5e-4, 0.01, 256),
    topdown_hrformer_s_210e_coco_384x288=(0.1, 5e-4, 0.01, 256),
    topdown_hrformer_b_210e_coco_256x192=(0.2, 5e-4, 0.01, 256),
    topdown_hrformer_b_210e_coco_384x288=(0.3, 5e-4, 0.01, 256),
    topdown_uniformer_s_210e_coco_256x192=(0.2, 2e-3, 0.01, 1024),
    topdown_uniformer_s_210e_coco_384x288=(0.2, 2e-3, 0.01, 1024),
    topdown_uniformer_s_210e_coco_448x320=(0.2, 1e-3, 0.01, 512),
    topdown_uniformer_b_210e_coco_256x192=(0.4, 2e-3, 0.01, 1024),
    topdown_uniformer_b_210e_coco_384x288=(0.5, 5e-4, 0.01, 256),
    topdown_uniformer_b_210e_coco_448x320=(0.55, 5e-4, 0.01, 256),
)


@pytest.mark.parametrize('name', PRETRAINED)
def test_published_numbers(name):
    cfg = load(name)
    optimizer = cfg.optim_wrapper.optimizer
    batch = cfg.train_dataloader.batch_size * GPUS
    found = (cfg.model.backbone.drop_path_rate, optimizer.lr, optimizer.weight_decay, batch)
    assert found == PRETRAINED[name]


@pytest.mark.parametrize('name', NAMES)
def test_learning_rate_scales_from_the_published_batch(name):
    cfg = load(name)
    assert not cfg.auto_scale_lr.get('enable', False)
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size * GPUS


@pytest.mark.parametrize('name', named('retinanet', 'fasterrcnn', 'maskrcnn', 'cascade'))
def test_detection(name):
    cfg = load(name)
    backbone, conformer = cfg.model.backbone, 'conformer' in name
    warmup, steps = cfg.param_scheduler
    assert (warmup.type, warmup.start_factor, warmup.end) == ('LinearLR', 0.001, 500)
    milestones = [27, 33] if name.endswith('3x') else [8, 11]
    assert (steps.type, steps.milestones, steps.gamma) == ('MultiStepLR', milestones, 0.1)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for resize in (t for t in loader.dataset.pipeline if t.type == 'Resize'):
            assert (resize.scale, resize.keep_ratio) == ((1344 if conformer else 1333, 800), True)
    assert cfg.model.data_preprocessor.pad_size_divisor == 32
    if '_uniformer_s_' in name or '_uniformer_b_' in name:
        assert (backbone.stage3_attention, backbone.window_size) == ('hybrid', 14)
    if conformer:  # the published code freezes the stem alone, whatever number it is given
        assert (backbone.frozen_stages, backbone.norm_eval) == (0, True)
    if name.startswith('retinanet'):
        neck = cfg.model.neck
        assert tuple(backbone.out_indices) == (1, 2, 3)
        assert (neck.start_level, neck.num_outs, neck.add_extra_convs) == (0, 5, 'on_input')
    if name.startswith('maskrcnn'):
        assert cfg.model.train_cfg.rcnn.assigner.match_low_quality
    if name.startswith('fasterrcnn'):
        assert not cfg.model.train_cfg.rcnn.assigner.match_low_quality


@pytest.mark.parametrize('name', [n for n in NAMES if 'uniformer' in n and n.endswith('_3x')])
def test_multi_scale(name):
    cfg = load(name)
    choice = next(t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'RandomChoice')
    (plain,), (small, crop, again) = choice.transforms
    assert [scale[0] for scale in plain.scales] == list(range(480, 801, 32))
    assert plain == again
    assert [tuple(scale) for scale in small.scales] == [(400, 1333), (500, 1333), (600, 1333)]
    assert (crop.crop_type, crop.crop_size) == ('absolute_range', (384, 600))
    assert crop.allow_negative_crop
    if name.startswith('cascade'):
        stds = []
        for head in cfg.model.roi_head.bbox_head:
            assert (head.num_shared_convs, head.num_shared_fcs) == (4, 1)
            assert (head.reg_class_agnostic, head.reg_decoded_bbox) == (False, True)
            assert (head.loss_bbox.type, head.loss_bbox.loss_weight) == ('GIoULoss', 10.0)
            assert head.norm_cfg.type == 'SyncBN'
            stds.append(head.bbox_coder.target_stds[0])
        assert stds == [0.1, 0.05, 0.033]


@pytest.mark.parametrize('name', named('semanticfpn'))
def test_semantic_fpn(name):
    cfg = load(name)
    head = cfg.model.decode_head
    assert (head.channels, head.dropout_ratio, head.norm_cfg.type) == (128, 0.1, 'SyncBN')
    assert 'auxiliary_head' not in cfg.model
    warmup, cosine = cfg.param_scheduler
    assert (warmup.start_factor, warmup.end) == (0.1, 1000)
    assert cosine.type == 'CosineAnnealingLR'
    assert (cosine.begin, cosine.end, cosine.T_max) == (1000, 80000, 79000)
    assert cosine.eta_min == pytest.approx(1e-8 * cfg.optim_wrapper.optimizer.lr)
    assert cfg.train_cfg.val_interval == cfg.default_hooks.checkpoint.interval == 4000
    kinds = [t.type for t in cfg.test_dataloader.dataset.pipeline]
    assert kinds.index('ResizeToMultiple') == kinds.index('Resize') + 1


@pytest.mark.parametrize('name', named('upernet'))
def test_upernet(name):
    cfg = load(name)
    classes, crop = (59, 480) if 'pascal' in name else (150, 512)
    heads = cfg.model.decode_head, cfg.model.auxiliary_head
    assert [head.num_classes for head in heads] == [classes, classes]
    assert [head.loss_decode.loss_weight for head in heads] == [1.0, 0.4]
    assert tuple(cfg.model.data_preprocessor.size) == (crop, crop)
    warmup, poly = cfg.param_scheduler
    assert (warmup.start_factor, warmup.end) == (1e-6, 1500)
    assert (poly.type, poly.power, poly.eta_min, poly.begin) == ('PolyLR', 1.0, 0.0, 1500)
    assert poly.end == cfg.train_cfg.max_iters


# dataset: hard pixels of the main loss kept for one image, classes, whether classes are weighed
OCR = dict(
    ade20k=(50000, 150, False),
    pascal_context59=(None, 59, False),
    coco_stuff10k=(50000, 171, False),
    cityscapes=(100000, 19, True),
)


@pytest.mark.parametrize('name', named('ocr'))
def test_ocr(name):
    cfg = load(name)
    kept, classes, weighed = next(v for k, v in OCR.items() if name.endswith(k))
    auxiliary, main = cfg.model.decode_head
    assert (auxiliary.kernel_size, auxiliary.channels, auxiliary.num_convs) == (3, 512, 1)
    assert (main.channels, main.ocr_channels, main.dropout_ratio) == (512, 256, 0.05)
    assert auxiliary.align_corners
    assert main.align_corners
    assert [head.num_classes for head in (auxiliary, main)] == [classes, classes]
    assert [head.loss_decode.loss_weight for head in (auxiliary, main)] == [0.4, 1.0]
    assert ('class_weight' in main.loss_decode) == weighed
    if weighed:
        assert len(main.loss_decode.class_weight) == len(auxiliary.loss_decode.class_weight) == 19
    assert 'sampler' not in auxiliary
    assert (main.sampler.min_kept if 'sampler' in main else None) == kept
    if kept:  # in all on a GPU, as published
        assert kept * cfg.train_dataloader.batch_size == 100000
        assert main.sampler.thresh == 0.9
    warmup, poly = cfg.param_scheduler
    assert (warmup.end, poly.begin, poly.power) == (1500, 1500, 0.9)
    assert poly.end == cfg.train_cfg.max_iters
    crop = (512, 1024) if name.endswith('cityscapes') else (520, 520)
    assert tuple(cfg.model.data_preprocessor.size) == crop
    rules = cfg.optim_wrapper.paramwise_cfg
    assert (rules.norm_decay_mult, rules.bias_decay_mult) == (0, 0)


@pytest.mark.parametrize('name', named('topdown'))
def test_pose(name):
    cfg = load(name)
    size = name.split('_')[-1]
    codecs = [part for _, part in walk(cfg.model) if part.get('type') == 'MSRAHeatmap']
    codecs += [t.encoder for t in cfg.train_dataloader.dataset.pipeline if 'encoder' in t]
    assert len(codecs) == 2
    for codec in codecs:
        assert codec.sigma == (2 if size == '256x192' else 3)
        assert [4 * side for side in codec.heatmap_size] == list(codec.input_size)
    test_cfg = cfg.model.test_cfg
    assert (test_cfg.flip_test, test_cfg.flip_mode, test_cfg.shift_heatmap) == (
        True,
        'heatmap',
        True,
    )
    warmup, steps = cfg.param_scheduler
    assert (warmup.end, warmup.start_factor) == (500, 0.001)
    assert steps.milestones == [170, 200]
    assert cfg.val_dataloader.dataset.bbox_file.endswith('AP_H_56_person.json')
    if '_hrformer_' in name:
        assert cfg.model.head.deconv_out_channels is None
        assert tuple(cfg.model.backbone.out_indices) == (0,)
