"""What is decided for one config of each kind of framework that the libraries have.

The expected values are those of the arithmetic: channels of the built-in backbones from the
README's table, in the places where the libraries' own configs have ResNet's, and the decisions of
docs/drop_in.md.
"""

import sys

import pytest
import torch
from mmengine.optim import build_optim_wrapper

from hybrid_backbones.dropin import find_variant, plan, read_source
from hybrid_backbones.dropin.drop_in import drop_in, write_config
from hybrid_backbones.dropin.probe import build
from hybrid_backbones.dropin.trial import image_sizes, measure_somewhere, root_of
from hybrid_backbones.errors import ConfigError

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

XXS = [56, 112, 224, 448]  # UniFormer-XXS
HRT = [18, 36, 72, 144]  # HRFormer-T
SWIN = 'mmseg::swin/swin-tiny-patch4-window7-in1k-pre'
DEEP = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_'


def decided(name, backbone='uniformer_xxs'):
    source = read_source(name)
    drop = plan(source, find_variant(backbone, source.scope))
    return drop, {'.'.join(map(str, path)): value for path, value in drop.edits.items()}


def built(drop, folder):
    """The model of the config that is written, as mmengine reads it, after an image."""
    new = write_config(drop, folder / 'new.py')
    model = root_of(new, drop.root)
    measure_somewhere(drop.source.scope, model, image_sizes(new), compute=False)
    return new


# config, backbone's out_indices, other edits of the model
DETECTORS = [
    (
        'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
        (1, 2, 3),
        {'neck.in_channels': XXS[1:], 'neck.start_level': 0},
    ),
    (
        'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
        (1, 2, 3),
        {'neck.in_channels': XXS[1:], 'neck.start_level': 0},
    ),
    (
        'mmdet::atss/atss_r50_fpn_1x_coco.py',
        (1, 2, 3),
        {'neck.in_channels': XXS[1:], 'neck.start_level': 0},
    ),
    (
        'mmdet::gfl/gfl_r50_fpn_1x_coco.py',
        (1, 2, 3),
        {'neck.in_channels': XXS[1:], 'neck.start_level': 0},
    ),
    ('mmdet::rtmdet/rtmdet_s_8xb32-300e_coco.py', (1, 2, 3), {'neck.in_channels': XXS[1:]}),
    ('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', (0, 1, 2, 3), {'neck.in_channels': XXS}),
    ('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', (0, 1, 2, 3), {'neck.in_channels': XXS}),
    (
        'mmdet::cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco.py',
        (0, 1, 2, 3),
        {'neck.in_channels': XXS},
    ),
    ('mmdet::htc/htc_r50_fpn_1x_coco.py', (0, 1, 2, 3), {'neck.in_channels': XXS}),
    ('mmdet::sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py', (0, 1, 2, 3), {'neck.in_channels': XXS}),
    ('mmdet::detr/detr_r50_8xb2-150e_coco.py', (3,), {'neck.in_channels': XXS[3:]}),
    (
        'mmdet::conditional_detr/conditional-detr_r50_8xb2-50e_coco.py',
        (3,),
        {'neck.in_channels': XXS[3:]},
    ),
    ('mmdet::dab_detr/dab-detr_r50_8xb2-50e_coco.py', (3,), {'neck.in_channels': XXS[3:]}),
    (
        'mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
        (1, 2, 3),
        {'neck.in_channels': XXS[1:]},
    ),
    ('mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py', (1, 2, 3), {'neck.in_channels': XXS[1:]}),
    (
        'mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py',
        (0, 1, 2, 3),
        {'panoptic_head.in_channels': XXS},
    ),
    (
        'mmdet::yolo/yolov3_d53_8xb8-320-273e_coco.py',
        (1, 2, 3),
        {'neck.in_channels': XXS[:0:-1]},  # from coarse to fine
    ),
    (
        'mmdet::ssd/ssd300_coco.py',  # no FPN: the head stands on the levels themselves
        (1, 2),
        {
            'neck.in_channels': (112, 224),
            'neck.out_channels': (112, 224, 512, 256, 256, 256),
            'bbox_head.in_channels': (112, 224, 512, 256, 256, 256),
        },
    ),
]
SEGMENTORS = [
    (
        'mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py',
        (2, 3),
        {
            'decode_head.in_channels': 448,
            'decode_head.in_index': 1,
            'auxiliary_head.in_channels': 224,
            'auxiliary_head.in_index': 0,
            'pretrained': None,
        },
    ),
    (
        'mmseg::pspnet/pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py',
        (2, 3),
        {
            'decode_head.in_channels': 448,
            'decode_head.in_index': 1,
            'auxiliary_head.in_channels': 224,
            'auxiliary_head.in_index': 0,
            'pretrained': None,
        },
    ),
    (
        'mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb2-40k_cityscapes-512x1024.py',
        (0, 2, 3),
        {
            'decode_head.in_channels': 448,
            'decode_head.in_index': 2,
            'decode_head.c1_in_channels': 56,
            'auxiliary_head.in_channels': 224,
            'auxiliary_head.in_index': 1,
            'pretrained': None,
        },
    ),
    (
        'mmseg::upernet/upernet_r50_4xb2-40k_cityscapes-512x1024.py',
        (0, 1, 2, 3),
        {'decode_head.in_channels': XXS, 'auxiliary_head.in_channels': 224, 'pretrained': None},
    ),
    (
        'mmseg::sem_fpn/fpn_r50_4xb2-80k_cityscapes-512x1024.py',
        (0, 1, 2, 3),
        {'neck.in_channels': XXS, 'pretrained': None},
    ),
    (
        'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
        (0, 1, 2, 3),
        {'decode_head.in_channels': XXS},
    ),
    (
        'mmseg::mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py',
        (0, 1, 2, 3),
        {'decode_head.in_channels': XXS},
    ),
]


SLOW = ('sparse', 'conditional', 'dab', 'deformable', 'dino', 'mask2former', 'htc', 'cascade')
MODELS = [
    pytest.param(*case, marks=pytest.mark.slow) if case[0].split('::')[1].startswith(SLOW) else case
    for case in DETECTORS + SEGMENTORS
]


@pytest.mark.parametrize('name, out_indices, edits', MODELS)
def test_model(name, out_indices, edits, tmp_path):
    drop, found = decided(name)
    backbone = found.pop('model.backbone')
    assert backbone['type'] == 'hybrid_backbones.UniFormer'
    assert backbone['_delete_'] and backbone['out_indices'] == out_indices
    model = {k[len('model.') :]: v for k, v in found.items() if k.startswith('model.')}
    model = {k: v for k, v in model.items() if not k.startswith('data_preprocessor')}
    assert model == edits
    new = built(drop, tmp_path)
    assert set(new.model.backbone) == set(backbone) - {'_delete_'}, 'nothing of the old one is left'


@pytest.mark.parametrize('works', [True, False])
def test_only_a_config_that_works_is_left(works, tmp_path, monkeypatch):
    def measure(*args, **kwargs):
        seen.extend(path.suffix for path in tmp_path.iterdir())
        if not works:
            raise RuntimeError('does\nnot work')
        return None, (256, 320)

    seen = []
    monkeypatch.setattr(sys.modules[drop_in.__module__], 'measure_somewhere', measure)
    names = dict(config='mmdet::retinanet/retinanet_r50_fpn_1x_coco', backbone='uniformer_xxs')
    out = str(tmp_path / 'new.py')
    if works:
        drop_in(**names, out=out)
    else:
        message = 'does not run with uniformer_xxs: .*RuntimeError: does not work'
        with pytest.raises(ConfigError, match=message):
            drop_in(**names, out=out)
    assert seen == ['.py'], 'it was written beside, where its base is found'
    assert [path.name for path in tmp_path.iterdir()] == (['new.py'] if works else [])


def test_hrnet_heads_join_all_streams(tmp_path):
    """Both the sum of channels and the list follow, in a list of heads and in a single one."""
    drop, found = decided('mmseg::hrnet/fcn_hr18_4xb2-40k_cityscapes-512x1024.py', 'hrformer_t')
    assert 'model.decode_head.in_channels' not in found, 'HRFormer-T has the channels of HRNet-18'
    drop, found = decided('mmseg::hrnet/fcn_hr18_4xb2-40k_cityscapes-512x1024.py')
    assert list(found['model.decode_head.in_channels']) == XXS
    assert found['model.decode_head.channels'] == sum(XXS)
    built(drop, tmp_path)
    drop, found = decided('mmseg::ocrnet/ocrnet_hr18_4xb2-40k_cityscapes-512x1024.py')
    assert list(found['model.decode_head.0.in_channels']) == XXS
    new = built(drop, tmp_path)
    assert [head.type for head in new.model.decode_head] == ['FCNHead', 'OCRHead']
    assert list(new.model.decode_head[1].in_channels) == XXS
    assert new.model.decode_head[1].ocr_channels == 256, 'the rest of a list is as it was'


def test_cascaded_heads_stay_on_one_stride(tmp_path):
    """OCR on a dilated ResNet: both heads had stride 8, the new levels would be of 16 and 32."""
    name = 'mmseg::ocrnet/ocrnet_r101-d8_4xb2-40k_cityscapes-512x1024.py'
    drop, found = decided(name)
    assert found['model.backbone']['out_indices'] == (3,)
    new = built(drop, tmp_path)
    assert [head.in_channels for head in new.model.decode_head] == [448, 448]


def test_plain_transformer_loses_its_neck(tmp_path):
    drop, found = decided('mmseg::vit/vit_vit-b16_mln_upernet_8xb2-80k_ade20k-512x512.py')
    assert found['model.neck'] is None
    assert list(found['model.decode_head.in_channels']) == XXS
    built(drop, tmp_path)


@pytest.mark.parametrize(
    'backbone, out_indices, deconvolutions',
    [('uniformer_xxs', (3,), 3), ('cvt_13', (2,), 2), ('hrformer_t', (0,), 0)],
)
@pytest.mark.parametrize('old, before', [('res50', 3), ('hrnet-w32', 0)])
def test_heatmaps_keep_their_size(old, before, backbone, out_indices, deconvolutions, tmp_path):
    drop, found = decided(f'{DEEP}{old}_8xb64-210e_coco-256x192.py', backbone)
    assert found['model.backbone']['out_indices'] == out_indices
    key = 'model.head.deconv_out_channels'
    assert (key in found) == (before != deconvolutions)
    if key in found:
        assert found[key] == ((256,) * deconvolutions or None)
    new = built(drop, tmp_path)
    width, height = new.codec.input_size
    model = build('mmpose', new.model)
    maps = model(torch.empty(1, 3, height, width, device='meta'), None, mode='tensor')
    assert tuple(maps.shape[2:]) == new.codec.heatmap_size[::-1]


def test_simcc(tmp_path):
    name = 'mmpose::body_2d_keypoint/simcc/coco/simcc_res50_8xb64-210e_coco-256x192.py'
    drop, found = decided(name)
    assert found['model.backbone']['out_indices'] == (3,)
    assert found['model.head.in_channels'] == 448
    built(drop, tmp_path)


def test_colours_become_those_of_the_published_weights():
    """Caffe's and YOLOX's images are other ones; torchvision's are the built-in backbones'."""
    rgb = {
        'model.data_preprocessor.mean': [123.675, 116.28, 103.53],
        'model.data_preprocessor.std': [58.395, 57.12, 57.375],
        'model.data_preprocessor.bgr_to_rgb': True,
    }
    for name, expected in (
        ('mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py', rgb),
        ('mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', rgb),
        ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', {}),
    ):
        _, found = decided(name)
        assert {k: v for k, v in found.items() if 'data_preprocessor' in k} == expected


def test_weights_of_the_old_whole_are_not_loaded():
    drop, found = decided('mmdet::pascal_voc/retinanet_r50_fpn_1x_voc0712.py')
    assert 'load_from' not in found
    name = 'mmdet::cityscapes/faster-rcnn_r50_fpn_1x_cityscapes.py'
    drop, found = decided(name)
    assert drop.source.cfg.load_from and found['load_from'] is None
    assert any('load_from' in note for note in drop.notes)


def test_rules_of_the_old_backbone_leave_the_optimizer():
    _, found = decided(
        'mmseg::swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py'
    )
    assert found['optim_wrapper.paramwise_cfg.custom_keys'] == {'_delete_': True}
    assert found['optim_wrapper.paramwise_cfg.norm_decay_mult'] == 0.0
    _, found = decided('mmdet::detr/detr_r50_8xb2-150e_coco.py')
    assert not any(key.startswith('optim_wrapper') for key in found), 'the key backbone stays'


def test_backbones_that_are_not_installed(tmp_path):
    """ConvNeXt is MMPretrain's: its levels are known by what follows; its rules are replaced."""
    name = 'mmseg::convnext/convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512.py'
    drop, found = decided(name)
    assert list(found['model.decode_head.in_channels']) == XXS
    assert found['custom_imports'] is None
    constructor = found['optim_wrapper.constructor']
    assert constructor == 'hybrid_backbones.LayerDecayOptimWrapperConstructor'
    assert found['optim_wrapper.paramwise_cfg'] == dict(
        _delete_=True, decay_rate=0.9, decay_type='stage_wise', norm_decay_mult=0.0
    )
    new = built(drop, tmp_path)
    model = build('mmseg', new.model).requires_grad_(True)
    new.optim_wrapper.type = 'OptimWrapper'  # the old one is for a GPU
    new.optim_wrapper.pop('loss_scale', None)
    groups = build_optim_wrapper(model, new.optim_wrapper).optimizer.param_groups
    rates = {group['lr'] for group in groups}
    assert len(rates) == 6 and max(rates) == 0.0001, 'stem, four stages, and what follows'


def test_arguments_are_those_of_the_built_in_configs():
    _, found = decided('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', 'conformer_ti')
    backbone = found['model.backbone']
    assert backbone['norm_eval'] and backbone['frozen_stages'] == 0
    _, found = decided('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', 'transxnet_t')
    assert found['sync_bn'] == 'torch'
    assert found['model.backbone']['init_cfg']['checkpoint'].endswith('transx-t.pth.tar')


def test_heads_inside_a_pose_head(tmp_path):
    name = 'mmpose::hand_3d_keypoint/internet/interhand3d/internet_res50_4xb16-20e_interhand3d'
    drop, found = decided(f'{name}-256x256.py')
    for part in ('keypoint', 'root', 'hand_type'):
        assert found[f'model.head.{part}_head_cfg.in_channels'] == 448
    built(drop, tmp_path)


@pytest.mark.parametrize('channels', [sum((256, 512, 1024, 2048)), [256, 512, 1024, 2048]])
def test_pose_head_of_several_levels(channels, tmp_path):
    """A pose model keeps the last level alone: a head that takes all four cannot be served."""
    config = tmp_path / 'old.py'
    config.write_text(
        f"_base_ = ['{DEEP}res50_8xb64-210e_coco-256x192.py']\n"
        'model = dict(\n'
        '    backbone=dict(out_indices=(0, 1, 2, 3)),\n'
        f'    head=dict(in_channels={channels}),\n'
        ')\n'
    )
    with pytest.raises(ConfigError, match=r'head takes 4 levels, .* would give 1; .* by hand'):
        decided(str(config))


@pytest.mark.parametrize(
    'name, parts',
    [
        (
            'mmpose::body_3d_keypoint/image_pose_lift/h36m/image-pose-lift_tcn_8xb64-200e_h36m.py',
            ['TCN gives no levels for an image'],
        ),
        ('mmdet::faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco.py', ['shared_head', 'FPN']),
        ('mmdet::cornernet/cornernet_hourglass104_8xb6-210e-mstest_coco.py', ['strides 4, 4']),
        ('mmseg::unet/unet-s5-d16_fcn_4xb4-40k_drive-64x64.py', ['strides', 'by hand']),
        (f'{DEEP}mspn50_8xb32-210e_coco-256x192.py', ['feature maps']),
    ],
)
def test_what_cannot_be_known(name, parts):
    with pytest.raises(ConfigError) as error:
        decided(name)
    for part in parts:
        assert part in str(error.value)
    assert '\n' not in str(error.value)
