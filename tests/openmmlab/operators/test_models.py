"""Whole models learn and predict with the operators; and, where mmcv is compiled, as with those.

Our own detectors, and one of each of MMDetection's and MMSegmentation's folders whose models have
operators of ``mmcv.ops`` in them.
"""

import copy

import pytest
import torch
from mmengine.hub import get_config
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope

from hybrid_backbones.openmmlab.build import build_model
from hybrid_backbones.openmmlab.library import import_library
from tests.configs.common import each_recipe, load

mmdet = pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

OURS = [n for n in each_recipe() if not n.startswith(('semanticfpn', 'upernet', 'ocr', 'topdown'))]
LIBRARIES = [
    'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'mmdet::cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco',
    'mmdet::retinanet/retinanet_r50_fpn_1x_coco',
    'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
    'mmdet::atss/atss_r50_fpn_1x_coco',
    'mmdet::tood/tood_r50_fpn_1x_coco',
    'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco',
    'mmdet::rtmdet/rtmdet-ins_tiny_8xb32-300e_coco',
    'mmdet::reppoints/reppoints-moment_r50_fpn_1x_coco',
    'mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco',
    'mmdet::dcn/mask-rcnn_r50-dconv-c3-c5_fpn_1x_coco',
    'mmdet::dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco',
    'mmdet::carafe/faster-rcnn_r50_fpn-carafe_1x_coco',
    'mmdet::guided_anchoring/ga-retinanet_r50-caffe_fpn_1x_coco',
    'mmseg::psanet/psanet_r50-d8_4xb4-80k_ade20k-512x512',
]
# what mmcv compiles for a GPU alone
GPU_ALONE = ('carafe', 'guided_anchoring')

pytestmark = [pytest.mark.slow, pytest.mark.extended]


def config_of(name):
    if '::' not in name:
        return load(name)
    return get_config(f'{name}.py')


def inputs_of(cfg):
    """Two images of 128 pixels with objects and labels, as the library's own tests have them."""
    if cfg.default_scope == 'mmdet':
        from mmdet.testing import demo_mm_inputs

        masks = any(word in str(cfg.model) for word in ('mask_head', 'MaskFormer', 'RTMDetIns'))
        masks = masks or 'Mask2Former' in cfg.model.type or 'SOLO' in cfg.model.type
        return demo_mm_inputs(2, [[3, 128, 128]] * 2, num_classes=80, with_mask=masks)
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    generator = torch.Generator().manual_seed(0)
    samples = []
    for _ in range(2):
        sample = SegDataSample(metainfo=dict(img_shape=(128, 128), ori_shape=(128, 128)))
        labels = torch.randint(150, (1, 128, 128), generator=generator)
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    images = torch.randint(256, (2, 3, 128, 128), generator=generator, dtype=torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


def build(name):
    cfg = config_of(name)
    import_library(cfg.default_scope)
    for part in ('backbone', 'decode_head', 'auxiliary_head'):
        for each in [cfg.model[part]] if isinstance(cfg.model.get(part), dict) else []:
            each.pop('init_cfg', None)
            if isinstance(each.get('norm_cfg'), dict) and each.norm_cfg.type == 'SyncBN':
                each.norm_cfg.type = 'BN'
    cfg.model.pop('pretrained', None)
    preprocessor = cfg.model.get('data_preprocessor')
    if preprocessor:
        preprocessor.pop('batch_augments', None)
    torch.manual_seed(0)
    model = build_model(cfg)
    model.init_weights()
    return cfg, model


def step(served, model, inputs):
    """Losses and the sums of all gradients; then predictions."""
    torch.manual_seed(0)
    model.train()
    model.zero_grad()

    def run():
        data = model.data_preprocessor(copy.deepcopy(inputs), True)
        losses, logged = model.parse_losses(model(**data, mode='loss'))
        losses.backward()
        return logged

    logged = served.run(run)
    norms = {n: p.grad.norm() for n, p in model.named_parameters() if p.grad is not None}
    model.eval()

    def predict():
        one = {key: value[:1] for key, value in inputs.items()}  # MaskedConv2d takes no more
        data = model.data_preprocessor(copy.deepcopy(one), False)
        with torch.no_grad():
            return model(**data, mode='predict')

    return logged, norms, served.run(predict)


def numbers(prediction):
    if hasattr(prediction, 'pred_instances'):
        found = prediction.pred_instances
        return torch.cat([found.bboxes.float(), found.scores[:, None]], 1)
    return prediction.seg_logits.data


@pytest.mark.parametrize('name', [*OURS, *LIBRARIES])
def test_a_step_and_predictions(plain, request, name):
    DefaultScope._instance_dict.clear()
    MessageHub.get_current_instance().update_info('epoch', 0)  # as a Runner does
    cfg, model = build(name)
    scope = cfg.default_scope
    inputs = inputs_of(cfg)
    with DefaultScope.overwrite_default_scope(scope):
        before = copy.deepcopy(model.state_dict())
        logged, norms, predictions = step(plain, model, inputs)
        assert all(torch.as_tensor(value).isfinite().all() for value in logged.values())
        assert norms and all(norm.isfinite() for norm in norms.values())
        assert len(predictions) == 1
        if any(part in name for part in GPU_ALONE):
            return
        compiled = request.getfixturevalue('compiled')  # skips the rest where there is none
        model.load_state_dict(before)
        theirs, their_norms, their_predictions = step(compiled, model, inputs)
    for key, value in theirs.items():
        torch.testing.assert_close(torch.as_tensor(logged[key]), torch.as_tensor(value))
    assert norms.keys() == their_norms.keys()
    total = sum(norm.square() for norm in their_norms.values()).sqrt()
    for key, norm in their_norms.items():
        assert (norms[key] - norm).abs() <= 1e-4 * total, key
    for ours, other in zip(predictions, their_predictions):
        assert numbers(ours).shape == numbers(other).shape
        torch.testing.assert_close(numbers(ours), numbers(other), rtol=1e-4, atol=1e-4)
